import { SegmentedControl, SimpleGrid, Stack } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { Panel } from '@/components/Panel';
import { useDraft } from '../draft';
import type { SourceKind } from '../drafts';
import { write } from '../spec';
import { NotSupported, PairsField, TextField } from '../fields';
import { EarlierJob } from './EarlierJob';
import { Files } from './Files';
import { Templates } from './Templates';
import { Upload } from './Upload';

const KINDS: { value: SourceKind; label: string }[] = [
  { value: 'template', label: 'Template' },
  { value: 'upload', label: 'Upload' },
  { value: 'job', label: 'Earlier job' },
  { value: 'command', label: 'Command only' },
];

/** Where the job's files come from, and what it is called. */
export function Source() {
  const { draft, change, spec, set } = useDraft();

  const isPhone = useMediaQuery('(max-width: 36em)') ?? false;

  function choose(kind: SourceKind) {
    if (kind !== 'command') change({ kind });
    else change({ kind, workdir: null, origin: '', spec: write(spec, ['workdir'], undefined) });
  }

  return (
    <Stack gap="md">
      <Panel title="Files">
        <Stack gap="md">
          <SegmentedControl
            data={KINDS}
            value={draft.kind}
            onChange={(kind) => choose(kind)}
            fullWidth
            orientation={isPhone ? 'vertical' : 'horizontal'}
            aria-label="Where its files come from"
            size="sm"
          />
          {draft.kind === 'template' ? <Templates /> : null}
          {draft.kind === 'upload' ? <Upload /> : null}
          {draft.kind === 'job' ? <EarlierJob /> : null}
          {draft.kind === 'command' ? (
            <p style={{ margin: 0, fontSize: 'var(--mantine-font-size-sm)', color: 'var(--tw-quiet)' }}>
              The job starts in an empty folder: its command brings what it needs.
            </p>
          ) : null}
          <Files
            onForget={() => {
              change({ workdir: null, origin: '' });
              set(['workdir'], undefined);
            }}
          />
          {draft.kind === 'upload' ? <NotSupported where="workdir" hasField /> : null}
        </Stack>
      </Panel>
      <Panel title="Name">
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          <TextField path={['name']} label="Name" isRequired />
          <TextField path={['project']} label="Project" />
        </SimpleGrid>
        <div style={{ marginTop: 'var(--mantine-spacing-md)' }}>
          <PairsField path={['tags']} label="Tags" placeholder="paper" />
        </div>
      </Panel>
    </Stack>
  );
}
