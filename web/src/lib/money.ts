/** Amounts travel in millionths of a dollar; people write dollars. */
const MICRO = 1_000_000;

export function dollarsOf(micro: number): number {
  return micro / MICRO;
}

export function microOf(dollars: number): number {
  return Math.round(dollars * MICRO);
}

/** What somebody wrote into a field for an amount; null: nothing, or no number. */
export function microWritten(text: string): number | null {
  const dollars = text.trim() === '' ? Number.NaN : Number(text.replace(',', '.'));
  return Number.isFinite(dollars) ? microOf(dollars) : null;
}
