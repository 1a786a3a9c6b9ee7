/** A job file as a mapping, and ways to look into it. What it means is the server's to say. */

export type Spec = Record<string, unknown>;
export type Path = readonly string[];

/** The value at these keys; undefined where there is none. */
export function read(spec: Spec, path: Path): unknown {
  let value: unknown = spec;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    value = (value as Spec)[key];
  }
  return value;
}

/** The mapping with another value there; undefined takes the key out, and mappings that are empty then. */
export function write(spec: Spec, path: Path, value: unknown): Spec {
  const [key, ...rest] = path;
  if (key === undefined) return spec;
  const after = { ...spec };
  const inner = spec[key];
  if (rest.length > 0) {
    const isMapping = typeof inner === 'object' && inner !== null && !Array.isArray(inner);
    const written = write(isMapping ? (inner as Spec) : {}, rest, value);
    if (Object.keys(written).length > 0) after[key] = written;
    else delete after[key];
  } else if (value === undefined) delete after[key];
  else after[key] = value;
  return after;
}

/** A value as somebody would write it into a field. */
export function asText(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return value;
    case 'number':
    case 'boolean':
      return String(value);
    default:
      return value === undefined || value === null ? '' : JSON.stringify(value);
  }
}

/** The texts of a list; a single value counts as one. */
export function asList(value: unknown): string[] {
  if (value === undefined || value === null) return [];
  return (Array.isArray(value) ? value : [value]).map(asText);
}

/** Numbers are written as numbers where a job file wants them; all else stays the text that it is. */
export function fromText(text: string, isNumber = false): unknown {
  if (text.trim() === '') return undefined;
  return isNumber && /^-?\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : text;
}

/** Whether a fault at one place of a job file is shown at a field of another: at it, or inside it. */
export function isAt(where: readonly (string | number)[], path: Path): boolean {
  return path.length <= where.length && path.every((key, index) => String(where[index]) === key);
}
