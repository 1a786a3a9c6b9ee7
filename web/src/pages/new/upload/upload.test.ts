import { describe, expect, it } from 'vitest';
import { isIgnored, readRules } from './ignore';
import { writeTar } from './tar';

const skipped = new Set(['.git']);

describe('what is left behind', () => {
  const rules = [
    ...readRules('*.log\n!keep.log\n/data\nbuild/\n# not me\n**/cache/*.bin\ndocs/*.txt\n', ''),
    ...readRules('*.pt\n', 'lib/'),
  ];
  const left = (path: string) => isIgnored(path, rules, skipped);

  it.each([
    ['a.log', true],
    ['deep/er/b.log', true],
    ['keep.log', false],
    ['data/x', true],
    ['src/data/x', false],
    ['build/x', true],
    ['build', false],
    ['a/cache/x.bin', true],
    ['docs/a.txt', true],
    ['docs/more/a.txt', false],
    ['lib/w.pt', true],
    ['w.pt', false],
    ['.git/config', true],
    ['train.py', false],
  ])('%s: %s', (path, expected) => expect(left(path)).toBe(expected));
});

describe('a tar archive', () => {
  it('has a header with a right sum, and ends with two empty blocks', () => {
    const [head, body, end] = [
      ...writeTar([{ path: 'a.py', content: new Uint8Array([1, 2]), isExecutable: true }]),
    ];
    expect(head).toHaveLength(512);
    expect(body).toHaveLength(512);
    expect(end).toHaveLength(1024);
    const text = new TextDecoder().decode(head);
    expect(text.slice(0, 5)).toBe('a.py\0');
    expect(text.slice(100, 107)).toBe('0000755');
    expect(text.slice(124, 135)).toBe('00000000002');
    const sum = parseInt(text.slice(148, 154), 8);
    const blank = head?.map((byte, at) => (at >= 148 && at < 156 ? 32 : byte)) ?? new Uint8Array();
    expect(sum).toBe(blank.reduce((total, byte) => total + byte, 0));
  });

  it('writes names that are long or not English before their file', () => {
    const path = `${'folder/'.repeat(20)}träin.py`;
    const blocks = [...writeTar([{ path, content: new Uint8Array(), isExecutable: false }])];
    const record = new TextDecoder().decode(blocks[1]).replace(/\0+$/, '');
    expect(record.endsWith(` path=${path}\n`)).toBe(true);
    expect(parseInt(record, 10)).toBe(new TextEncoder().encode(record).length);
  });
});
