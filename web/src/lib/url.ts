import { useCallback, useMemo } from 'react';
import { useSearchParams } from 'react-router';

type Value = string | string[] | number | boolean | null | undefined;

/** What the address says, and a way to change it: filters live there, so that they survive a reload and can be sent. */
export function useUrlState() {
  const [params, setParams] = useSearchParams();
  const set = useCallback(
    (changes: Record<string, Value>, { push = false }: { push?: boolean } = {}) =>
      setParams((before) => withChanges(before, changes), { replace: !push, preventScrollReset: true }),
    [setParams],
  );
  return useMemo(
    () => ({
      params,
      set,
      text: (name: string, fallback = '') => params.get(name) ?? fallback,
      list: (name: string) => params.getAll(name),
      number: (name: string, fallback: number) => readNumber(params.get(name), fallback),
      flag: (name: string) => params.get(name) === 'true',
    }),
    [params, set],
  );
}

/** Parameters with some of them changed; what is empty goes. */
export function withChanges(before: URLSearchParams, changes: Record<string, Value>): URLSearchParams {
  const after = new URLSearchParams(before);
  for (const [name, value] of Object.entries(changes)) {
    after.delete(name);
    if (Array.isArray(value)) for (const each of value) after.append(name, each);
    else if (value !== null && value !== undefined && value !== '' && value !== false)
      after.set(name, String(value));
  }
  return after;
}

function readNumber(text: string | null, fallback: number): number {
  if (text === null || text.trim() === '') return fallback;
  const value = Number(text);
  return Number.isFinite(value) ? value : fallback;
}
