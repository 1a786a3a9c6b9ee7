import { Group, SimpleGrid, Text, Tooltip } from '@mantine/core';
import type { Schemas } from '@/api/client';
import { Panel } from '@/components/Panel';
import { Stat } from '@/components/Stat';

/** What an hour of everything costs now, and how much of it is held. */
export function Burn({
  burn,
  rows,
  total,
}: {
  burn: Schemas['BurnView'];
  rows: Schemas['NodeView'][];
  total: number;
}) {
  const slots = rows.flatMap((row) => row.accelerators);
  const count = (use: string) => slots.filter((slot) => slot.use === use).length;
  const more = (['free', 'idle', 'others', 'resting'] as const)
    .map((use) => [use, count(use)] as const)
    .filter(([, number]) => number > 0)
    .map(([use, number]) => `${number} ${use === 'others' ? 'used by others' : use}`);
  return (
    <Panel>
      <SimpleGrid cols={{ base: 2, sm: 4 }} spacing="lg" verticalSpacing="md">
        <Stat
          name="Cost an hour now"
          value={
            <Tooltip
              label={burn.basis}
              multiline
              maw={360}
              events={{ hover: true, focus: true, touch: true }}
            >
              <span>{burn.per_hour.text}</span>
            </Tooltip>
          }
          more={burn.parts.length === 0 ? 'nothing costs money' : null}
        />
        <Stat name="Nodes" value={total} more={`${rows.filter((row) => row.is_rented).length} rented`} />
        <Stat
          name="Accelerators held"
          value={slots.length ? `${count('held')} of ${slots.length}` : '–'}
          more={more.join(' · ') || null}
        />
        <div>
          <Text size="xs" c="var(--tw-quiet)">
            What costs it
          </Text>
          {burn.parts.map((part) => (
            <Group key={part.name} justify="space-between" gap="xs" wrap="nowrap">
              <Text size="sm" truncate>
                {part.label}
                {part.machines ? ` (${part.machines})` : ''}
              </Text>
              <Text size="sm" fw={550} c={part.name === 'idle' ? 'var(--tw-warning)' : undefined}>
                {part.per_hour.text}
              </Text>
            </Group>
          ))}
          {burn.parts.length === 0 ? <Text size="sm">–</Text> : null}
        </div>
      </SimpleGrid>
    </Panel>
  );
}
