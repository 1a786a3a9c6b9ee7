import { describe, expect, it } from 'vitest';
import { addressOf, askedOf, dayLabel } from './range';

function url(query: string) {
  const params = new URLSearchParams(query);
  return {
    text: (name: string, fallback = '') => params.get(name) ?? fallback,
    list: (name: string) => params.getAll(name),
  };
}

describe('ranges in the address', () => {
  it('asks for a named range unless both days are there', () => {
    expect(askedOf(url(''))).toMatchObject({ range: '30d', by: 'provider', since: undefined });
    expect(askedOf(url('since=2026-01-01'))).toMatchObject({ range: '30d' });
    expect(askedOf(url('since=2026-01-01&until=rubbish'))).toMatchObject({ range: '30d' });
  });

  it('includes the last day', () => {
    expect(askedOf(url('since=2026-01-01&until=2026-01-31&range=7d'))).toMatchObject({
      range: undefined,
      since: '2026-01-01T00:00:00.000Z',
      until: '2026-02-01T00:00:00.000Z',
    });
  });

  it('names everything in the address of a file', () => {
    const asked = askedOf(url('by=tag:paper&only=provider=lambda&only=kind=idle'));
    const query = new URL(addressOf('http://x', asked, 'groups')).searchParams;
    expect(query.getAll('only')).toEqual(['provider=lambda', 'kind=idle']);
    expect([query.get('range'), query.get('by'), query.get('what')]).toEqual(['30d', 'tag:paper', 'groups']);
  });

  it('names days in UTC', () => {
    expect(dayLabel('2026-01-05', 'day')).toBe('5 Jan');
    expect(dayLabel('2026-01-01', 'month')).toBe('Jan 2026');
  });
});
