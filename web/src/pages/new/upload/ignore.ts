/** Which files of a folder are left behind: the patterns of .gitignore that people use, nested as git does it. */

export interface Rule {
  /** The folder that its file lies in, with a slash at the end; empty at the top. */
  base: string;
  pattern: RegExp;
  isTaken: boolean;
  isFolderOnly: boolean;
}

export interface Listed {
  path: string;
  size: number;
}

/** The rules of one ignore file. */
export function readRules(text: string, base: string): Rule[] {
  const rules: Rule[] = [];
  for (const line of text.split(/\r?\n/)) {
    let body = line.replace(/(?<!\\)\s+$/, '');
    if (body === '' || body.startsWith('#')) continue;
    const isTaken = body.startsWith('!');
    if (isTaken) body = body.slice(1);
    const isFolderOnly = body.endsWith('/');
    body = body.replace(/\/$/, '');
    const isAnchored = body.includes('/');
    body = body.replace(/^\//, '').replace(/^\\(?=[#!])/, '');
    rules.push({ base, isTaken, isFolderOnly, pattern: toPattern(body, isAnchored) });
  }
  return rules;
}

function toPattern(body: string, isAnchored: boolean): RegExp {
  let source = '';
  for (let at = 0; at < body.length; at++) {
    const rest = body.slice(at);
    const set = /^\[(!?)([^\]]+)\]/.exec(rest);
    if (rest.startsWith('**/')) {
      source += '(?:[^/]+/)*';
      at += 2;
    } else if (rest.startsWith('**')) {
      source += '.*';
      at += 1;
    } else if (rest[0] === '*') source += '[^/]*';
    else if (rest[0] === '?') source += '[^/]';
    else if (set) {
      source += `[${set[1] ? '^' : ''}${(set[2] ?? '').replace(/\\/g, '\\\\')}]`;
      at += set[0].length - 1;
    } else if (rest[0] === '\\' && rest.length > 1) {
      source += escape(rest.charAt(1));
      at += 1;
    } else source += escape(rest.charAt(0));
  }
  return new RegExp(`^${isAnchored ? '' : '(?:.*/)?'}${source}$`);
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** Whether a path is left behind: because of its own name, or of a folder above it. */
export function isIgnored(path: string, rules: Rule[], skipped: ReadonlySet<string>): boolean {
  const parts = path.split('/');
  return parts.some((part, index) => {
    if (skipped.has(part)) return true;
    return isNamed(parts.slice(0, index + 1).join('/'), index < parts.length - 1, rules);
  });
}

function isNamed(path: string, isFolder: boolean, rules: Rule[]): boolean {
  // The last rule that speaks of a path decides, and deeper files come later.
  for (const rule of [...rules].reverse()) {
    if (!path.startsWith(rule.base) || (rule.isFolderOnly && !isFolder)) continue;
    if (rule.pattern.test(path.slice(rule.base.length))) return !rule.isTaken;
  }
  return false;
}
