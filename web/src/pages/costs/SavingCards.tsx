import { Group, SimpleGrid, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import type { Schemas } from '@/api/client';
import { Meter } from '@/components/Meter';
import { Panel } from '@/components/Panel';
import { Sentence } from '@/components/Sentence';
import classes from './Costs.module.css';
import type { Overview } from './range';

/** What was saved against renting on demand and against a machine at hand, and what was wasted. */
export function SavingCards({ data, aside }: { data: Overview; aside: ReactNode }) {
  return (
    <SimpleGrid cols={{ base: 1, md: 3 }}>
      {data.savings.map((saving) => (
        <Card key={saving.against} saving={saving} aside={saving.against === 'local' ? aside : null} />
      ))}
      <Panel>
        <div className={classes.saving}>
          <Title order={2}>Idle machines</Title>
          <div
            className={classes.figure}
            style={data.idle.amount.micro ? { color: 'var(--tw-warning)' } : undefined}
          >
            {data.idle.amount.text}
          </div>
          <Meter share={data.idle.share} tone="warning" label="Share of idle machines" />
          <Text size="sm">
            <Sentence text={data.idle.text} />.
          </Text>
          <Text size="xs" c="var(--tw-quiet)">
            <Sentence text={data.idle.help} />.
          </Text>
        </div>
      </Panel>
    </SimpleGrid>
  );
}

function Card({ saving, aside }: { saving: Schemas['Savings']; aside: ReactNode }) {
  const isGain = saving.saved.micro >= 0;
  return (
    <Panel>
      <div className={classes.saving}>
        <Group justify="space-between" gap="xs">
          <Title order={2}>Against {saving.label === 'on demand' ? 'on-demand' : 'your own machine'}</Title>
          {aside}
        </Group>
        <div
          className={classes.figure}
          style={
            saving.is_comparable ? { color: isGain ? 'var(--tw-good)' : 'var(--tw-warning)' } : undefined
          }
        >
          <Sentence text={saving.headline} />
        </div>
        <Text size="sm">
          <Sentence text={saving.text} />.
        </Text>
        {saving.is_comparable ? (
          <Text size="sm" c="var(--tw-quiet)">
            Paid {saving.actual.text}, otherwise {saving.otherwise.text}.
          </Text>
        ) : null}
        <Text size="xs" c="var(--tw-quiet)">
          <Sentence text={saving.basis} />.
        </Text>
      </div>
    </Panel>
  );
}
