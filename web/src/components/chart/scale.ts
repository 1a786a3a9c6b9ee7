/** An axis by powers of ten: jobs of a cent and of a thousand dollars on one picture. */
export interface LogScale {
  low: number;
  high: number;
  ticks: number[];
  /** Where a value stands, 0 to 1. */
  at: (value: number) => number;
}

/** A scale that holds all values (above nothing), from a power of ten to a power of ten. */
export function logScale(values: number[]): LogScale {
  const first = Math.floor(Math.log10(values.reduce((a, b) => Math.min(a, b), Infinity)) + 1e-9);
  const last = Math.ceil(Math.log10(values.reduce((a, b) => Math.max(a, b), 0)) - 1e-9);
  const [from, to] = Number.isFinite(first) && Number.isFinite(last) ? [first, last] : [0, 1];
  const until = Math.max(to, from + 1);
  // Six marks at most, whatever the span.
  const step = Math.ceil((until - from) / 6);
  const ticks: number[] = [];
  for (let each = from; each <= until; each += step) ticks.push(10 ** each);
  const span = until - from;
  return {
    low: 10 ** from,
    high: 10 ** until,
    ticks,
    at: (value) => (Math.log10(value) - from) / span,
  };
}
