// The shapes that the page's modules share, for the check of types alone: no browser loads this file.

// ---- the page ----

/** The elements of index.html that are more than an HTMLElement, by id. */
interface PageElements {
  file: HTMLInputElement;
  camera: HTMLInputElement;
  primary: HTMLButtonElement;
  choose: HTMLButtonElement;
  "take-photo": HTMLButtonElement;
  share: HTMLButtonElement;
  "stop-others": HTMLButtonElement;
  "say-action": HTMLButtonElement;
  "open-background": HTMLButtonElement;
  "open-options": HTMLButtonElement;
  "open-history": HTMLButtonElement;
  server: HTMLButtonElement;
  language: HTMLButtonElement;
  theme: HTMLButtonElement;
  help: HTMLButtonElement;
  start: HTMLButtonElement;
  capture: HTMLButtonElement;
  "first-photo": HTMLButtonElement;
  demo: HTMLButtonElement;
  "clear-queue": HTMLButtonElement;
  "only-failed": HTMLButtonElement;
  "only-doubtful": HTMLButtonElement;
  alone: HTMLButtonElement;
  "remove-file": HTMLButtonElement;
  "page-before": HTMLButtonElement;
  "page-after": HTMLButtonElement;
  turn: HTMLButtonElement;
  "zoom-out": HTMLButtonElement;
  "zoom-in": HTMLButtonElement;
  "zoom-fit": HTMLButtonElement;
  "tab-document": HTMLButtonElement;
  "tab-proofread": HTMLButtonElement;
  "tab-data": HTMLButtonElement;
  search: HTMLInputElement;
  "search-clear": HTMLButtonElement;
  "search-before": HTMLButtonElement;
  "search-after": HTMLButtonElement;
  "replace-toggle": HTMLButtonElement;
  undo: HTMLButtonElement;
  redo: HTMLButtonElement;
  "copy-all": HTMLButtonElement;
  export: HTMLButtonElement;
  replace: HTMLInputElement;
  "replace-one": HTMLButtonElement;
  "replace-all": HTMLButtonElement;
  "next-doubt": HTMLButtonElement;
  "read-stale": HTMLButtonElement;
  "code-json": HTMLButtonElement;
  "code-curl": HTMLButtonElement;
  "code-python": HTMLButtonElement;
  "code-javascript": HTMLButtonElement;
  "copy-code": HTMLButtonElement;
  "options-dialog": HTMLDialogElement;
  "reset-options": HTMLButtonElement;
  "open-preview": HTMLButtonElement;
  "pref-history": HTMLInputElement;
  "pref-keys": HTMLInputElement;
  "read-again": HTMLButtonElement;
  "history-dialog": HTMLDialogElement;
  "clear-history": HTMLButtonElement;
  "help-dialog": HTMLDialogElement;
  "preview-dialog": HTMLDialogElement;
  "preview-range": HTMLInputElement;
  "export-dialog": HTMLDialogElement;
  "export-form": HTMLFormElement;
  "export-scope": HTMLFieldSetElement;
  "export-way": HTMLFieldSetElement;
  "export-save": HTMLButtonElement;
  "key-dialog": HTMLDialogElement;
  "key-form": HTMLFormElement;
  "key-field": HTMLInputElement;
}

/** The element of the page with this id. */
type ElementOf<Id extends string> = Id extends keyof PageElements ? PageElements[Id] : HTMLElement;

// What the page looks for by a selector is HTML; where it is more than that, the code says so.
interface ParentNode {
  querySelector<E extends Element = HTMLElement>(selectors: string): E | null;
  querySelectorAll<E extends Element = HTMLElement>(selectors: string): NodeListOf<E>;
}

interface Element {
  closest<E extends Element = HTMLElement>(selectors: string): E | null;
}

// Pointers, keys and the focus meet elements.
interface UIEvent {
  readonly target: HTMLElement;
}

interface DocumentEventMap {
  searchhit: CustomEvent<number | null>;
}

// ---- a reading (reading/result.js) ----

type Point = number[];
type Polygon = Point[];

interface Char {
  text: string;
  confidence: number;
  polygon: Polygon;
}

interface Line {
  text: string;
  /** As it was read; "" for what a person has typed into a cell. */
  original: string;
  confidence: number;
  polygon: Polygon;
  /** Index of its page. */
  page: number;
  /** Of an unsure line. */
  chars: Char[];
  /** Confidence and corners of every character, nine numbers each. */
  places: Float32Array | null;
  /** A person has accepted it. */
  checked?: boolean;
  /** Of a part: the line that a line of the grid has parted, and the text of the part at that time. */
  whole?: Line;
  part?: string;
}

interface Cell {
  row: number;
  col: number;
  row_span: number;
  col_span: number;
  lines: number[];
  polygon: Polygon;
}

interface Table {
  rows: number;
  cols: number;
  cells: Cell[];
  header_rows: number;
}

interface Block {
  type: string;
  level?: number | null;
  /** Places of its lines on the page. */
  lines: number[];
  polygon?: Polygon | null;
  table?: Table | null;
}

interface Remark {
  code: string;
  message: string;
}

interface ResultPage {
  number: number;
  width: number;
  height: number;
  warnings: Remark[];
  structure: Block[] | null;
  rotation: number;
  dpi: number | null;
  origin: string;
  error: ServerError | null;
  turn: number;
  /** Index of its first line among all, and how many it has. */
  first: number;
  count: number;
}

interface Result {
  pages: ResultPage[];
  /** Of all pages in reading order. */
  lines: Line[];
  model: string;
  layout: string;
  elapsed: number;
  cached: boolean;
  requestId: string;
  warnings: Remark[];
}

// ---- the state (main.js) ----

type Problem = import("./js/server/problem.js").Problem;

type Options = Record<string, unknown>;

/** What stands in the place of a result. */
interface Note {
  problem?: Problem;
  retry?: boolean;
  symbol?: string;
  words?: string;
  values?: object;
}

interface ServerError {
  code: string;
  message: string;
  hint?: string;
}

/** A page that the server reads in the background: the index of its file, and its number there. */
interface BackgroundPage {
  file: number;
  number: number;
  state: string;
  error?: ServerError | null;
}

/** A job of the server, as background/state.js makes it. */
interface BackgroundJob {
  id: string;
  state: string;
  /** Milliseconds since 1970. */
  created: number;
  finished: number | null;
  expires: number | null;
  formats: string[];
  options: Options;
  files: { name: string; size: number; pages: number | null; error: ServerError | null }[];
  name: string;
  size: number;
  total: number;
  done: number;
  failed: number;
  /** How many jobs are read before it. */
  position: number | null;
  sequence: number;
  error: ServerError | null;
  /** Why nothing has been heard of it lately. */
  trouble: Problem | null;
  pages: BackgroundPage[];
  /** Index of the page that is shown, how many there are, and where that page is, once it is known. */
  at: number;
  count: number;
  place: { file: number; number: number } | null;
}

type JobStatus = "new" | "queued" | "sending" | "reading" | "delayed" | "done" | "failed" | "cancelled";

/** A file of the queue. */
interface Job {
  id: number;
  /** Empty where only the server has it. */
  file: Blob;
  name: string;
  status: JobStatus;
  /** How much of the file has been sent. */
  share: number;
  /** Index of the page that is shown. */
  page: number;
  /** Clockwise, in degrees. */
  turn: number;
  thumb: Blob | null;
  result: Result | null;
  problem: Problem | null;
  /** The job of the server that reads it, if one does. */
  background: BackgroundJob | null;
  note: Note | null;
  /** With which it is to be read, and with which it was. */
  wanted?: Options;
  options?: Options;
  edits?: Edits;
  edited?: boolean;
  historyId?: string;
  /** It has turned out to be too long to wait for. */
  long?: boolean;
  resumes?: number;
  sent?: { path: string; key: string } | null;
  waitUntil?: number | null;
  waitSeconds?: number;
}

interface Edits {
  past: { result: Result; at: number | null }[];
  future: { result: Result; at: number | null }[];
  /** The result that they belong to. */
  now?: Result;
}

interface Prefs {
  language: string | null;
  theme: string;
  history: boolean;
  keys: boolean;
  overlay: string;
  split: number;
  upper: number;
  view: string;
  code: string;
  format: string;
}

interface ServerState {
  state: string;
  model?: string;
  answered?: number;
  reason?: string;
  version?: string;
  locked?: boolean;
  keyed?: boolean;
}

interface State {
  jobs: Job[];
  current: number | null;
  active: number | null;
  hovered: number | null;
  hit: number | null;
  alone: boolean;
  wide: number;
  block: string | null;
  blockHovered: string | null;
  selected: Set<number>;
  options: Options;
  prefs: Prefs;
  schema: any;
  models: any[];
  limits: any;
  server: ServerState;
  work: any;
}

interface Store {
  get(): State;
  /** Replaces the given keys and tells those who watch them. */
  set(patch: Partial<State>): void;
  /** Calls `react` now and whenever one of the values that `select` picks is another one. */
  watch<Values extends unknown[]>(
    select: (state: State) => [...Values],
    react: (...values: Values extends infer Own extends unknown[] ? Own : never) => unknown,
  ): () => void;
}

/** Tells the user something: words, and whether it is for screen readers alone, or can be acted on. */
type Say = (words: string, how?: { quiet?: boolean; action?: { label: string; run: () => void } }) => void;

// ---- what views are given to act on the page with ----

type LineEvent = { ctrlKey?: boolean; metaKey?: boolean; shiftKey?: boolean };

interface DocumentAct {
  choose(index: number, event: LineEvent): void;
  hover(index: number | null): void;
  edit(index: number): void;
  /** A figure under the pointer, or none. */
  block(key: string | null): void;
  /** A figure that was clicked. */
  pick(key: string): void;
  /** An edited cell. */
  cell(at: { page: number; block: number; cell: number }, rows: string[]): void;
  /** The grid of this table is to be edited. */
  grid(key: string): void;
  say: Say;
  /** Blocks of a long text have come. */
  written(): void;
}

/** Makes a changed result of one. */
type Change = (result: Result) => Result;

/** Puts an element over a page of the picture, in that page's place and size; null takes it away. */
type Put = (page: number, element: Element | null) => void;

interface PictureAct {
  /** The line under the pointer. */
  choose(index: number | null, event: MouseEvent): void;
  hover(index: number | null): void;
  /** The picture of the first page is there. */
  drawn(job: Job, blob: Blob): void;
  /** To a page that has to be fetched. */
  turnTo(id: number, at: number): void;
  /** The blocks below the boxes, of the shown page and of one among others. */
  layer: Element;
  layerOf(page: number): import("./js/result/document/layer.js").BlockLayer;
}

interface RowAct {
  /** Resolves to whether it worked. */
  copy(index: number): Promise<boolean>;
  edit(index: number): void;
  accept(index: number): void;
  undo(index: number): void;
}

interface ListAct extends RowAct {
  choose(index: number | null, event: LineEvent): void;
  hover(index: number | null): void;
  /** Rows of a long text have come. */
  written(): void;
}

interface ProofreadAct {
  choose: ListAct["choose"];
  change(job: Job, make: Change, index: number | null): void;
  copy(text: string): Promise<boolean>;
  lookAt: ResultAct["lookAt"];
  /** Shows the tab. */
  show(): void;
  written(): void;
}

interface GridAct {
  put: Put;
  change(make: Change): void;
  say: Say;
}

interface ReplaceAct {
  change(make: Change, index: number): void;
  /** Shows the list of lines. */
  show(): void;
  say: Say;
}

interface JobAct {
  start(id: number): void;
  cancel(id: number): void;
  /** Asks a busy server at once. */
  hurry(id: number): void;
}

interface ResultAct extends JobAct {
  edited(id: number): void;
  /** Moves the picture to a line; `lookAt` also zooms, to the part of it that matters. */
  reveal(index: number | null): void;
  lookAt(index: number, part?: Polygon): void;
  revealBlock(key: string): void;
  /** Something has not arrived. */
  missing(): void;
  put: Put;
}

interface RunnerTell {
  /** Before a result takes the place of another one. */
  arriving(id: number): void;
  done(id: number): void;
  /** Whenever the server has not answered as it should. */
  failed(problem: Problem): void;
}
