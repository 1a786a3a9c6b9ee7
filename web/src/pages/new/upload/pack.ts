import { api, type Schemas } from '@/api/client';
import { isIgnored, readRules, type Rule } from './ignore';
import { writeTar, type TarFile } from './tar';

type Limits = Schemas['UploadLimits'];

export interface Chosen {
  name: string;
  files: { path: string; file: File }[];
  left: number;
  size: number;
}

/** The files of a folder that go along, by path, as the ignore files of the folder have it. */
export async function choose(picked: File[], limits: Limits): Promise<Chosen> {
  const top = picked[0]?.webkitRelativePath.split('/')[0] ?? '';
  const all = picked
    .map((file) => ({ path: file.webkitRelativePath.split('/').slice(1).join('/') || file.name, file }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
  const skipped = new Set(limits.skipped);
  const lists = all
    .filter(({ path }) => limits.ignore_files.includes(path.split('/').at(-1) ?? ''))
    .filter(({ path }) => !path.split('/').some((part) => skipped.has(part)))
    // Deeper files override, and of one folder the later name does.
    .sort((a, b) => a.path.split('/').length - b.path.split('/').length || order(a.path, b.path, limits));
  const rules: Rule[] = [];
  for (const { path, file } of lists)
    rules.push(...readRules(await file.text(), path.slice(0, path.lastIndexOf('/') + 1)));
  const files = all.filter(({ path }) => !isIgnored(path, rules, skipped));
  const size = files.reduce((total, { file }) => total + file.size, 0);
  return { name: top || 'files', files, left: all.length - files.length, size };
}

function order(a: string, b: string, limits: Limits): number {
  const rank = (path: string) => limits.ignore_files.indexOf(path.split('/').at(-1) ?? '');
  return rank(a) - rank(b);
}

/** A `.tar.gz` of the files. */
export async function pack(chosen: Chosen): Promise<Blob> {
  const compress = new CompressionStream('gzip');
  const packed = new Response(compress.readable).blob();
  const writer = compress.writable.getWriter();
  for (const { path, file } of chosen.files) {
    const content = new Uint8Array(await file.arrayBuffer());
    // A browser does not tell which files may be run; those that begin so are meant to be.
    const entry: TarFile = { path, content, isExecutable: content[0] === 0x23 && content[1] === 0x21 };
    const blocks = [...writeTar([entry])];
    for (const block of blocks.slice(0, -1)) await writer.write(block);
  }
  await writer.write(new Uint8Array(1024));
  await writer.close();
  return packed;
}

export async function sha256Of(blob: Blob): Promise<string> {
  // Browsers keep this to pages that nobody can have changed on their way.
  if (!window.isSecureContext)
    throw new Error(
      'Files can be sent over HTTPS or from this machine only. The command line sends them, too.',
    );
  const digest = await crypto.subtle.digest('SHA-256', await blob.arrayBuffer());
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Puts an archive on the server, unless it is there already, and tells what it holds. */
export async function send(blob: Blob): Promise<Schemas['WorkdirView']> {
  const sha256 = await sha256Of(blob);
  const params = { path: { sha256 } };
  await api.PUT('/api/v1/workdirs/{sha256}', {
    params,
    body: blob as never,
    bodySerializer: (body: unknown) => body as Blob,
    headers: { 'Content-Type': 'application/gzip' },
  } as never);
  const { data } = await api.GET('/api/v1/workdirs/{sha256}', { params });
  if (data === undefined) throw new Error('The server does not say what it has received.');
  return data;
}
