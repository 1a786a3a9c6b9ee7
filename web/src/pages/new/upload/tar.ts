/** Writes tar archives: enough of POSIX ustar and pax for files that a browser can read. */

const BLOCK = 512;
const encoder = new TextEncoder();

export interface TarFile {
  path: string;
  content: Uint8Array;
  isExecutable: boolean;
}

/** The archive in pieces. The same files give the same bytes. */
export function* writeTar(files: Iterable<TarFile>): Generator<Uint8Array<ArrayBuffer>> {
  for (const file of files) {
    const name = encoder.encode(file.path);
    if (name.length > 100 || name.length !== file.path.length) {
      const record = paxRecord('path', file.path);
      yield header('pax', record.length, 0o644, 'x');
      yield padded(record);
    }
    yield header(
      name.length > 100 ? file.path.slice(-60) : file.path,
      file.content.length,
      file.isExecutable ? 0o755 : 0o644,
      '0',
    );
    yield padded(file.content);
  }
  yield new Uint8Array(2 * BLOCK);
}

function header(path: string, size: number, mode: number, kind: string): Uint8Array<ArrayBuffer> {
  const block = new Uint8Array(BLOCK);
  const put = (text: string, at: number, room: number) =>
    block.set(encoder.encode(text).subarray(0, room), at);
  const octal = (value: number, at: number, room: number) =>
    put(value.toString(8).padStart(room - 1, '0'), at, room);
  put(path, 0, 100);
  octal(mode, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(0, 136, 12);
  put(' '.repeat(8), 148, 8);
  put(kind, 156, 1);
  put('ustar\0' + '00', 257, 8);
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 8);
  return block;
}

function padded(content: Uint8Array): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(Math.ceil(content.length / BLOCK) * BLOCK);
  whole.set(content);
  return whole;
}

/** `length key=value\n`, where the length counts itself. */
function paxRecord(key: string, value: string): Uint8Array {
  const rest = encoder.encode(` ${key}=${value}\n`);
  let length = rest.length;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return encoder.encode(`${length} ${key}=${value}\n`);
}
