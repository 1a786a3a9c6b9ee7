import { describe, expect, it } from 'vitest';
import { asList, asText, fromText, isAt, read, write } from './spec';

describe('a job file as a mapping', () => {
  it('is read and written at keys', () => {
    const spec = { name: 'x', resources: { cpus: 1 } };
    expect(read(spec, ['resources', 'cpus'])).toBe(1);
    expect(read(spec, ['resources', 'cpus', 'more'])).toBeUndefined();
    expect(write(spec, ['resources', 'spot'], 'only')).toEqual({
      name: 'x',
      resources: { cpus: 1, spot: 'only' },
    });
    expect(spec).toEqual({ name: 'x', resources: { cpus: 1 } });
  });

  it('loses keys that say nothing, and what was around them', () => {
    expect(write({ name: 'x', a: { b: { c: 1 } } }, ['a', 'b', 'c'], undefined)).toEqual({ name: 'x' });
    expect(write({ a: { b: 1, c: 2 } }, ['a', 'b'], undefined)).toEqual({ a: { c: 2 } });
  });

  it('replaces what is no mapping', () => {
    expect(write({ a: 'text' }, ['a', 'b'], 1)).toEqual({ a: { b: 1 } });
  });

  it('shows values as they are written', () => {
    expect(asText(1.5)).toBe('1.5');
    expect(asText({ name: 'L4' })).toBe('{"name":"L4"}');
    expect(asList('H100:8')).toEqual(['H100:8']);
    expect(asList([1, 'a'])).toEqual(['1', 'a']);
  });

  it('keeps text as text, and numbers where they are wanted', () => {
    expect(fromText('10', true)).toBe(10);
    expect(fromText('10m', true)).toBe('10m');
    expect(fromText('10')).toBe('10');
    expect(fromText(' ')).toBeUndefined();
  });

  it('finds the field that a fault belongs to', () => {
    expect(isAt(['resources', 'accelerators', 1], ['resources', 'accelerators'])).toBe(true);
    expect(isAt(['resources'], ['resources', 'accelerators'])).toBe(false);
  });
});
