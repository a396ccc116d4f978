// The options of a reading, from the server's JSON Schema to fields of a form. Pure.

/**
 * One field of the form.
 * @typedef {{name: string, kind: "choice" | "switch" | "number" | "text", title: string, help: string,
 *   default: unknown, choices?: string[], minimum?: number, maximum?: number, whole?: boolean,
 *   longest?: number}} Field
 */

/**
 * Reads the fields out of the schema of GET /options; what the page has no control for is left out.
 * @returns {Field[]}
 */
export function fieldsOf(schema) {
  return Object.entries(schema?.properties ?? {}).flatMap(
    /** @returns {Field[]} */ ([name, property]) => {
      const kind = resolve(property, schema);
      const field = {
        name,
        title: property.title ?? name,
        help: property.description ?? "",
        default: property.default ?? null,
      };
      if (Array.isArray(kind.enum)) {
        return [{ ...field, kind: "choice", choices: kind.enum.map(String) }];
      }
      if (kind.type === "boolean") {
        return [{ ...field, kind: "switch" }];
      }
      if (kind.type === "number" || kind.type === "integer") {
        return [
          { ...field, kind: "number", minimum: kind.minimum, maximum: kind.maximum, whole: kind.type === "integer" },
        ];
      }
      // The page keeps options in the browser; a password must not stay there.
      return kind.type === "string" && property.format !== "password"
        ? [{ ...field, kind: "text", longest: kind.maxLength }]
        : [];
    },
  );
}

/** The options that the server knows, with values that it can take; the rest is forgotten. */
export function validOptions(options, fields) {
  const entries = fields.filter(({ name }) => name in options).map((field) => [field, options[field.name]]);
  return Object.fromEntries(
    entries.filter(([field, value]) => fitsField(field, value)).map(([field, value]) => [field.name, value]),
  );
}

/** The options with one changed; a value that is the default is left out. */
export function withOption(options, field, value) {
  const changed = { ...options, [field.name]: value };
  if (value === field.default || value === "") {
    delete changed[field.name];
  }
  return changed;
}

function fitsField({ kind, choices, minimum = -Infinity, maximum = Infinity, longest = Infinity }, value) {
  switch (kind) {
    case "choice":
      return choices.includes(value);
    case "switch":
      return typeof value === "boolean";
    case "number":
      return typeof value === "number" && value >= minimum && value <= maximum;
    default:
      return typeof value === "string" && value.length <= longest;
  }
}

// Of "this or null" this is what a form asks for; null is the empty field.
function resolve(property, schema) {
  if (property.$ref) {
    return resolve(schema.$defs?.[property.$ref.split("/").at(-1)] ?? {}, schema);
  }
  const choices = property.anyOf ?? property.allOf;
  const kind = choices?.find((choice) => choice.type !== "null");
  return kind ? { ...property, ...resolve(kind, schema) } : property;
}
