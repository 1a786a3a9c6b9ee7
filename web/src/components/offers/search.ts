import type { OfferSearch } from './types';

type Kind = 'list' | 'number' | 'text' | 'flag';

/** Every part of a search, and how the address writes it. The names are those of the API. */
const KINDS: Record<keyof OfferSearch, Kind> = {
  gpu: 'list',
  count: 'number',
  min_count: 'number',
  max_count: 'number',
  min_memory: 'number',
  min_total_memory: 'number',
  min_cpus: 'number',
  min_host_memory: 'number',
  provider: 'list',
  region: 'list',
  market: 'list',
  max_price: 'text',
  max_gpu_price: 'text',
  availability: 'text',
  source: 'text',
  unpriced: 'flag',
  launchable: 'flag',
  hours: 'number',
  on: 'text',
  local_cost: 'text',
  local_gpu: 'text',
  sort: 'text',
  descending: 'flag',
};
export const NAMES = Object.keys(KINDS) as (keyof OfferSearch)[];
/** These say how much work and in which order; all others keep offers out. */
const TERMS = new Set<keyof OfferSearch>(['hours', 'on', 'local_cost', 'local_gpu', 'sort', 'descending']);
export const FILTERS = NAMES.filter((name) => !TERMS.has(name));

/** The search that parameters of an address stand for; what cannot be read is left out. */
export function readSearch(params: URLSearchParams, prefix = ''): OfferSearch {
  const found: Record<string, unknown> = {};
  for (const name of NAMES) {
    const values = params.getAll(prefix + name).filter((value) => value !== '');
    const first = values[0];
    if (first === undefined) continue;
    const kind = KINDS[name];
    if (kind === 'list') found[name] = values;
    else if (kind === 'flag') found[name] = first === 'true';
    else if (kind === 'text') found[name] = first;
    else if (Number.isFinite(Number(first))) found[name] = Number(first);
  }
  return found;
}

/** What to change in an address so that it says this search, and nothing of another one. */
export function searchChanges(search: OfferSearch, prefix = ''): Record<string, string | string[] | null> {
  const changes: Record<string, string | string[] | null> = {};
  for (const name of NAMES) {
    const value = search[name];
    if (Array.isArray(value)) changes[prefix + name] = value.length ? value.map(String) : null;
    else
      changes[prefix + name] =
        value === undefined || value === null || value === false ? null : String(value);
  }
  return changes;
}

/** A list with a value added, or taken out where it is in it. */
export function toggled(values: readonly string[], value: string): string[] {
  return values.includes(value) ? values.filter((each) => each !== value) : [...values, value];
}

/** A search as the part of an address behind the question mark. */
export function searchText(search: OfferSearch, more: Record<string, string> = {}): string {
  const params = new URLSearchParams(more);
  for (const [name, value] of Object.entries(searchChanges(search))) {
    if (Array.isArray(value)) for (const each of value) params.append(name, each);
    else if (value !== null) params.set(name, value);
  }
  return params.toString();
}
