import { describe, expect, it } from 'vitest';
import { lineOf, matcherOf, partsOf } from './highlight';

describe('partsOf', () => {
  it('splits a line around what matches, whatever its letters', () => {
    expect(partsOf('Loss 1, loss 2', matcherOf('loss', false, false))).toEqual([
      { text: 'Loss', isMatch: true },
      { text: ' 1, ', isMatch: false },
      { text: 'loss', isMatch: true },
      { text: ' 2', isMatch: false },
    ]);
  });

  it('takes signs for themselves unless an expression is meant', () => {
    expect(partsOf('a.b', matcherOf('.', false, true)).filter((part) => part.isMatch)).toHaveLength(1);
    expect(partsOf('a.b', matcherOf('.', true, true)).filter((part) => part.isMatch)).toHaveLength(3);
  });

  it('leaves a line whole where nothing matches, nothing is wanted, or the expression is none', () => {
    for (const matcher of [
      matcherOf('x', false, false),
      matcherOf('', false, false),
      matcherOf('(', true, false),
    ])
      expect(partsOf('abc', matcher)).toEqual([{ text: 'abc', isMatch: false }]);
    expect(partsOf('abc', matcherOf('z*', true, false))).toEqual([{ text: 'abc', isMatch: false }]);
    expect(partsOf('', null)).toEqual([{ text: '', isMatch: false }]);
  });
});

describe('lineOf', () => {
  it('reads what a link says, counted from one', () => {
    expect(lineOf('#L12')).toBe(11);
    expect(lineOf('#L0')).toBe(0);
    expect(lineOf('#12')).toBeNull();
    expect(lineOf('')).toBeNull();
  });
});
