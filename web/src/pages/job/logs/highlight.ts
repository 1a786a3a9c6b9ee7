export interface Part {
  text: string;
  isMatch: boolean;
}

/** What finds the matches within a line; null where there is nothing to find, or the browser knows no such expression. */
export function matcherOf(q: string, isRegex: boolean, isCaseSensitive: boolean): RegExp | null {
  if (!q) return null;
  try {
    return new RegExp(isRegex ? q : q.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'), isCaseSensitive ? 'g' : 'gi');
  } catch {
    return null;
  }
}

/** A line in pieces: what matches and what does not. */
export function partsOf(text: string, matcher: RegExp | null): Part[] {
  if (!matcher) return [{ text, isMatch: false }];
  const parts: Part[] = [];
  let end = 0;
  for (const match of text.matchAll(matcher)) {
    if (match[0] === '') continue;
    if (match.index > end) parts.push({ text: text.slice(end, match.index), isMatch: false });
    parts.push({ text: match[0], isMatch: true });
    end = match.index + match[0].length;
  }
  if (end < text.length || parts.length === 0) parts.push({ text: text.slice(end), isMatch: false });
  return parts;
}

/** The line that an address names: #L12 is line 12, as people count. */
export function lineOf(hash: string): number | null {
  const found = /^#L(\d{1,12})$/.exec(hash);
  return found?.[1] ? Math.max(Number(found[1]) - 1, 0) : null;
}
