import { Button, Group, Textarea } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconDownload } from '@tabler/icons-react';
import { useEffect } from 'react';
import { $api } from '@/api/client';
import { CopyButton } from '@/components/CopyButton';
import { Panel } from '@/components/Panel';
import { Sentence } from '@/components/Sentence';
import { useDraft } from '../draft';
import { asText } from '../spec';
import fieldClasses from '../fields/Field.module.css';
import classes from './Review.module.css';

/** The job file as text. What is changed here is read by the server, and is in all the steps then. */
export function JobFileEditor() {
  const { draft, check, change } = useDraft();
  const [asked] = useDebouncedValue(draft.text, 300);
  const { data } = $api.useQuery(
    'post',
    '/api/v1/job-files/check',
    { body: { yaml: asked ?? '', workdir: draft.workdir } },
    { enabled: asked !== null, staleTime: 60_000 },
  );
  const answer = asked === draft.text && asked !== null ? data : undefined;
  const read = answer?.spec;
  useEffect(() => {
    if (read && JSON.stringify(read) !== JSON.stringify(draft.spec)) change({ spec: read });
    // Only what was read just now; the draft may have moved on in a step since.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [read]);
  const shown = draft.text ?? check?.yaml ?? '';
  const faults = draft.text === null ? (check?.faults ?? []) : (answer?.faults ?? []);
  const isUnread = draft.text !== null && answer !== undefined && !read;

  function save() {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(new Blob([shown], { type: 'application/yaml' }));
    link.download = `${asText(draft.spec.name) || 'job'}.yaml`;
    link.click();
    URL.revokeObjectURL(link.href);
  }

  return (
    <Panel
      title="Job file"
      aside={
        <Group gap={4}>
          <Button
            size="compact-sm"
            variant="subtle"
            leftSection={<IconDownload size={14} aria-hidden />}
            onClick={save}
          >
            Save as a file
          </Button>
          <CopyButton text={shown} label="Copy the job file" />
        </Group>
      }
    >
      <Textarea
        aria-label="Job file"
        description="Changes here are in the steps at once. Comments are not kept."
        className={classes.editor}
        value={shown}
        autosize
        minRows={6}
        maxRows={28}
        spellCheck={false}
        autoCapitalize="off"
        error={faults.length > 0}
        aria-invalid={faults.length > 0}
        onChange={(event) => change({ text: event.currentTarget.value })}
        // Left alone, it is written anew as the server writes it.
        onBlur={() => (read ? change({ text: null }) : undefined)}
      />
      <div aria-live="polite">
        {faults.map((fault) => (
          <p key={`${fault.where} ${fault.message}`} className={fieldClasses.fault}>
            {fault.line ? `Line ${fault.line}, column ${fault.column}: ` : ''}
            <Sentence text={fault.message} />
            {fault.hint ? (
              <span className={fieldClasses.hint}>
                <Sentence text={fault.hint} />
              </span>
            ) : null}
          </p>
        ))}
      </div>
      {isUnread ? (
        <Button size="xs" variant="default" mt="xs" onClick={() => change({ text: null })}>
          Go back to what the steps say
        </Button>
      ) : null}
    </Panel>
  );
}
