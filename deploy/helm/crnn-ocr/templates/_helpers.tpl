{{- define "crnn-ocr.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{- define "crnn-ocr.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "crnn-ocr.labels" -}}
{{ include "crnn-ocr.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "crnn-ocr.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}

{{- define "crnn-ocr.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{ .Values.serviceAccount.name | default (include "crnn-ocr.fullname" .) }}
{{- else -}}
{{ .Values.serviceAccount.name | default "default" }}
{{- end -}}
{{- end }}

{{- define "crnn-ocr.keysSecret" -}}
{{- .Values.auth.existingSecret | default (printf "%s-keys" (include "crnn-ocr.fullname" .)) -}}
{{- end }}

{{- define "crnn-ocr.modelsClaim" -}}
{{- if .Values.models.existingClaim -}}
{{ .Values.models.existingClaim }}
{{- else if .Values.models.claimSize -}}
{{ include "crnn-ocr.fullname" . }}-models
{{- end -}}
{{- end }}

{{- define "crnn-ocr.jobsClaim" -}}
{{- if .Values.jobs.files.existingClaim -}}
{{ .Values.jobs.files.existingClaim }}
{{- else if .Values.jobs.files.claimSize -}}
{{ include "crnn-ocr.fullname" . }}-jobs
{{- end -}}
{{- end }}

{{- define "crnn-ocr.workerSelector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}-worker
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "crnn-ocr.workerLabels" -}}
{{ include "crnn-ocr.workerSelector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version | replace "+" "_" }}
{{- end }}

{{- /* Variables whose values lie in Secrets, but for the API keys: what the service and its workers share. */ -}}
{{- define "crnn-ocr.secretVariables" -}}
{{- $given := list -}}
{{- with .Values.redis -}}
{{- if .existingSecret }}{{ $given = append $given (list "REDIS_URL" .existingSecret .key) }}{{ end -}}
{{- end -}}
{{- with .Values.jobs -}}
{{- if .enabled -}}
{{- $given = append $given (list "JOBS_REDIS_URL" .redis.existingSecret .redis.key) -}}
{{- if .broker.existingSecret }}{{ $given = append $given (list "JOBS_BROKER_URL" .broker.existingSecret .broker.key) }}{{ end -}}
{{- if .files.bucketSecret }}{{ $given = append $given (list "JOBS_FILES_URL" .files.bucketSecret .files.bucketKey) }}{{ end -}}
{{- if .webhooks.existingSecret }}{{ $given = append $given (list "JOBS_WEBHOOK_SECRET" .webhooks.existingSecret .webhooks.key) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- range $given }}
- name: CRNN_OCR_{{ index . 0 }}
  valueFrom:
    secretKeyRef:
      name: {{ index . 1 }}
      key: {{ index . 2 }}
{{- end }}
{{- end }}

{{- /* Nodes that pods may run on. */ -}}
{{- define "crnn-ocr.nodes" -}}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- /* The restricted Pod Security Standard. */ -}}
{{- define "crnn-ocr.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "crnn-ocr.containerSecurity" -}}
allowPrivilegeEscalation: false
capabilities:
  drop: [ALL]
readOnlyRootFilesystem: true
{{- end }}

{{- /* A setting as the service reads it: whole numbers without an exponent, lists with commas. */ -}}
{{- define "crnn-ocr.setting" -}}
{{- if kindIs "slice" . -}}
{{ join "," . }}
{{- else if and (kindIs "float64" .) (eq . (floor .)) -}}
{{ printf "%.0f" . }}
{{- else -}}
{{ . }}
{{- end -}}
{{- end }}

{{- /* The settings as variables of the container. */ -}}
{{- define "crnn-ocr.settings" -}}
CRNN_OCR_HOST: "0.0.0.0"
CRNN_OCR_PORT: "5000"
{{- if .Values.auth.anonymous }}
CRNN_OCR_ALLOW_ANONYMOUS: "true"
{{- end }}
{{- if include "crnn-ocr.modelsClaim" . }}
CRNN_OCR_MODELS_DIR: /models
{{- end }}
CRNN_OCR_JOBS: {{ ternary "celery" "off" .Values.jobs.enabled | quote }}
{{- if and .Values.jobs.enabled (include "crnn-ocr.jobsClaim" .) }}
CRNN_OCR_JOBS_DIR: /jobs
{{- end }}
{{- if .Values.ingress.enabled }}
CRNN_OCR_TRUSTED_PROXIES: {{ .Values.ingress.trustedProxies | quote }}
{{- end }}
{{- range $name, $value := .Values.settings }}
{{- if not (kindIs "invalid" $value) }}
CRNN_OCR_{{ upper $name }}: {{ include "crnn-ocr.setting" $value | quote }}
{{- end }}
{{- end }}
{{- end }}

{{- define "crnn-ocr.requestTimeout" -}}
{{- .Values.settings.request_timeout_s | default 120 | float64 | ceil -}}
{{- end }}

{{- define "crnn-ocr.gracePeriod" -}}
{{- add .Values.preStopSeconds (.Values.settings.graceful_timeout_s | default 60 | float64 | ceil) 10 -}}
{{- end }}

{{- /* Longer than a task may take, which ends with an exception and then with a signal 30 seconds later. */ -}}
{{- define "crnn-ocr.workerGracePeriod" -}}
{{- add (.Values.settings.jobs_task_timeout_s | default 1200 | float64 | ceil) 40 -}}
{{- end }}

{{- define "crnn-ocr.checkJobs" -}}
{{- with .Values.jobs -}}
{{- if .enabled -}}
{{- if not .redis.existingSecret -}}
{{- fail "jobs: enabled needs redis.existingSecret, the Redis that holds the table of jobs." -}}
{{- end -}}
{{- if eq .redis.existingSecret $.Values.redis.existingSecret -}}
{{- fail "jobs: redis.existingSecret has to be another one than that of the cache, which forgets what was used longest ago." -}}
{{- end -}}
{{- $ways := 0 -}}
{{- range list .files.existingClaim .files.claimSize .files.bucketSecret -}}
{{- if . }}{{ $ways = add1 $ways }}{{ end -}}
{{- end -}}
{{- if ne (int $ways) 1 -}}
{{- fail "jobs: enabled needs one of files.existingClaim, files.claimSize and files.bucketSecret: all pods share the files of jobs." -}}
{{- end -}}
{{- with .autoscaling -}}
{{- if and .enabled (gt (int .min) (int .max)) -}}
{{- fail (printf "jobs.autoscaling: min (%d) is more than max (%d)." (int .min) (int .max)) -}}
{{- end -}}
{{- if and .enabled (not .queue.enabled) (lt (int .min) 1) -}}
{{- fail "jobs.autoscaling: min can be 0 only with queue.enabled: without pods there is no CPU use." -}}
{{- end -}}
{{- if and .queue.enabled (not .enabled) -}}
{{- fail "jobs.autoscaling: queue.enabled needs jobs.autoscaling.enabled." -}}
{{- end -}}
{{- if and .queue.enabled (eq $.Values.settings.metrics false) -}}
{{- fail "jobs.autoscaling: queue.enabled needs settings.metrics." -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- /* What the schema cannot see. */ -}}
{{- define "crnn-ocr.check" -}}
{{- include "crnn-ocr.checkJobs" . -}}
{{- $ways := 0 -}}
{{- range list (not (empty .Values.auth.keys)) (not (empty .Values.auth.existingSecret)) .Values.auth.anonymous -}}
{{- if . }}{{ $ways = add1 $ways }}{{ end -}}
{{- end -}}
{{- if ne (int $ways) 1 -}}
{{- fail "auth: choose one of keys (entries of `crnn-ocr keys new NAME`), existingSecret and anonymous: the service does not start without knowing who may use it." -}}
{{- end -}}
{{- with .Values.autoscaling -}}
{{- if and .enabled (gt (int .min) (int .max)) -}}
{{- fail (printf "autoscaling: min (%d) is more than max (%d)." (int .min) (int .max)) -}}
{{- end -}}
{{- if and .queue.enabled (not .enabled) -}}
{{- fail "autoscaling: queue.enabled needs autoscaling.enabled." -}}
{{- end -}}
{{- $cpu := toString (dig "limits" "cpu" "1" $.Values.resources) -}}
{{- $cores := ternary (divf (float64 (trimSuffix "m" $cpu)) 1000) (float64 $cpu) (hasSuffix "m" $cpu) -}}
{{- if and .queue.enabled (ge (float64 .queue.seconds) (mulf $cores ($.Values.settings.queue_seconds | default 8))) -}}
{{- fail "autoscaling: queue.seconds has to be less than settings.queue_seconds times the limit of cores, or pods refuse work before there are more of them." -}}
{{- end -}}
{{- if and .queue.enabled (eq $.Values.settings.metrics false) -}}
{{- fail "autoscaling: queue.enabled needs settings.metrics." -}}
{{- end -}}
{{- end -}}
{{- if and .Values.monitoring.enabled (eq .Values.settings.metrics false) -}}
{{- fail "monitoring: enabled needs settings.metrics." -}}
{{- end -}}
{{- end }}
