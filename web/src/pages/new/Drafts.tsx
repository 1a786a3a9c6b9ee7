import { ActionIcon, Anchor, Group, Stack, Text } from '@mantine/core';
import { IconTrash } from '@tabler/icons-react';
import { useState } from 'react';
import { Link } from 'react-router';
import { Panel } from '@/components/Panel';
import { When } from '@/components/When';
import { useDraft } from './draft';
import { discardDraft, isBlank, listDrafts } from './drafts';
import { asText } from './spec';

/** The other drafts of this browser, where one begins a new job. */
export function Drafts() {
  const { draft, form } = useDraft();
  const [others, setOthers] = useState(() => listDrafts().filter((each) => each.id !== draft.id));
  if (others.length === 0 || !isBlank(draft) || draft.step !== 'source') return null;
  return (
    <div style={{ marginBottom: 'var(--mantine-spacing-md)' }}>
      <Panel title="Go on with a draft">
        <Stack gap={4}>
          {others.map((each) => {
            const name = asText(each.spec.name) || 'Without a name';
            return (
              <Group key={each.id} gap="sm" wrap="nowrap">
                <Anchor component={Link} to={`/new?draft=${each.id}`} size="sm" fw={500}>
                  {name}
                </Anchor>
                <Text size="sm" c="var(--tw-quiet)" flex={1} truncate>
                  {form.steps.find((step) => step.id === each.step)?.title} · <When at={each.changedAt} />
                </Text>
                <ActionIcon
                  variant="subtle"
                  color="gray"
                  aria-label={`Discard the draft ${name}`}
                  onClick={() => {
                    discardDraft(each.id);
                    setOthers(others.filter((other) => other.id !== each.id));
                  }}
                >
                  <IconTrash size={16} />
                </ActionIcon>
              </Group>
            );
          })}
        </Stack>
      </Panel>
    </div>
  );
}
