import { Button, Group, Text } from '@mantine/core';
import { IconFolder } from '@tabler/icons-react';
import { CodeBlock } from '@/components/CodeBlock';
import { useState } from 'react';
import { useDraft } from '../draft';
import { Remarks } from '../fields';

/** The files that go along, as the server sees them. */
export function Files({ onForget }: { onForget: () => void }) {
  const { draft, check } = useDraft();
  const [isOpen, open] = useState(false);
  const files = check?.files?.sha256 === draft.workdir ? check?.files : null;
  return (
    <div>
      {draft.workdir !== null ? (
        <Group gap="sm">
          <IconFolder size={18} aria-hidden />
          <Text size="sm" fw={500} data-testid="files">
            {draft.origin || 'Files'}
            {files ? ` · ${files.text}` : ''}
          </Text>
          {files ? (
            <Button size="compact-xs" variant="subtle" aria-expanded={isOpen} onClick={() => open(!isOpen)}>
              {isOpen ? 'Hide files' : 'Show files'}
            </Button>
          ) : null}
          <Button size="compact-xs" variant="subtle" onClick={onForget}>
            Take no files along
          </Button>
        </Group>
      ) : null}
      {isOpen && files ? (
        <div style={{ marginTop: 8 }}>
          <CodeBlock
            label="Files"
            maxHeight={220}
            text={[
              ...files.files,
              ...(files.file_count > files.files.length
                ? [`and ${files.file_count - files.files.length} more`]
                : []),
            ].join('\n')}
          />
        </div>
      ) : null}
      <Remarks path={['workdir']} />
    </div>
  );
}
