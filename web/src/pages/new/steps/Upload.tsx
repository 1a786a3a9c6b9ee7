import { Button, Group, Text } from '@mantine/core';
import { IconFileZip, IconFolderUp } from '@tabler/icons-react';
import { useRef, useState } from 'react';
import { ProblemAlert } from '@/components/ProblemAlert';
import { formatBytes, formatCount } from '@/lib/format';
import { useDraft } from '../draft';
import { choose, pack, send } from '../upload/pack';
import classes from './Source.module.css';

/** Packs a folder in the browser, or takes an archive as it is, and sends it. */
export function Upload() {
  const { change, form } = useDraft();
  const folder = useRef<HTMLInputElement>(null);
  const archive = useRef<HTMLInputElement>(null);
  const [progress, setProgress] = useState('');
  const [error, setError] = useState<unknown>(null);
  const limits = form.upload;

  async function run(work: () => Promise<{ blob: Blob; name: string }>) {
    setError(null);
    try {
      const { blob, name } = await work();
      setProgress(`Sending ${formatBytes(blob.size)}…`);
      const sent = await send(blob);
      change((before) => ({
        workdir: sent.sha256,
        origin: name,
        searchPath: null,
        spec: { ...(nameOf(name) ? { name: nameOf(name) } : {}), ...before.spec, workdir: '.' },
      }));
    } catch (problem) {
      setError(problem);
    } finally {
      setProgress('');
    }
  }

  const packFolder = (picked: File[]) => async () => {
    const chosen = await choose(picked, limits);
    const what = `${formatCount(chosen.files.length)} files, ${formatBytes(chosen.size)}`;
    if (chosen.files.length === 0)
      throw new Error('There are no files in this folder, or all of them are left behind.');
    if (chosen.size > limits.content_bytes || chosen.files.length > limits.files)
      throw new Error(
        `The folder holds ${what}. ${limits.text} Name what is not needed in .tradewindignore.`,
      );
    setProgress(`Packing ${what}; ${formatCount(chosen.left)} left behind…`);
    return { blob: await pack(chosen), name: chosen.name };
  };

  const takeArchive = (file: File) => () => {
    if (file.size > limits.content_bytes)
      return Promise.reject(new Error(`The archive has ${formatBytes(file.size)}. ${limits.text}`));
    return Promise.resolve({ blob: file, name: file.name.replace(/\.(tar\.gz|tgz)$/, '') });
  };

  return (
    <>
      <div className={classes.drop}>
        <Group gap="sm">
          <Button
            variant="light"
            leftSection={<IconFolderUp size={16} aria-hidden />}
            loading={progress !== ''}
            onClick={() => folder.current?.click()}
          >
            Choose a folder
          </Button>
          <Button
            variant="default"
            leftSection={<IconFileZip size={16} aria-hidden />}
            disabled={progress !== ''}
            onClick={() => archive.current?.click()}
          >
            Choose a .tar.gz
          </Button>
        </Group>
        <Text size="xs" c="var(--tw-quiet)" w="100%">
          {limits.text} What {limits.ignore_files.join(' and ')} name stays behind, and so do{' '}
          {limits.skipped.join(', ')}.
        </Text>
        <Text size="sm" w="100%" role="status">
          {progress}
        </Text>
      </div>
      <input
        ref={folder}
        type="file"
        hidden
        multiple
        aria-label="Folder"
        data-testid="folder"
        // Chooses folders; React has no type for it.
        {...{ webkitdirectory: '' }}
        onChange={(event) => {
          const picked = [...(event.currentTarget.files ?? [])];
          event.currentTarget.value = '';
          if (picked.length > 0) void run(packFolder(picked));
        }}
      />
      <input
        ref={archive}
        type="file"
        hidden
        accept=".tar.gz,.tgz,application/gzip"
        aria-label="Archive"
        data-testid="archive"
        onChange={(event) => {
          const file = event.currentTarget.files?.[0];
          event.currentTarget.value = '';
          if (file) void run(takeArchive(file));
        }}
      />
      <ProblemAlert error={error} />
    </>
  );
}

/** A folder's name as a job's; the server says whether it will do. */
function nameOf(folder: string): string {
  return folder
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, 63);
}
