import { SimpleGrid, Text } from '@mantine/core';
import { Panel } from '@/components/Panel';
import { Stat } from '@/components/Stat';
import { StateBadge } from '@/components/StateBadge';
import classes from './Costs.module.css';
import type { Overview } from './range';

/** The sums of a range, beside the one before, and how they are known. */
export function Totals({ data }: { data: Overview }) {
  const { total } = data;
  return (
    <Panel>
      <SimpleGrid cols={{ base: 2, sm: 3, lg: 5 }} spacing="lg" verticalSpacing="md">
        <Stat name="Spent" value={total.amount.text} more={data.before.text} />
        <Stat
          name="Running, not closed yet"
          value={data.running.text}
          more={
            data.running_jobs
              ? `${data.running_jobs} ${data.running_jobs === 1 ? 'job' : 'jobs'}, up to ${data.cost_per_hour.text}/h`
              : 'no job runs'
          }
        />
        <Stat name="Jobs" value={total.jobs.toLocaleString('en-US')} more={total.hours_text} />
        <Stat name="Carbon" value={total.carbon_text} more={total.energy_text} />
        <div>
          <Text size="xs" c="var(--tw-quiet)" mb={2}>
            How it is known
          </Text>
          {data.known_by.length === 0 ? '–' : null}
          <div className={classes.known}>
            {data.known_by.map((part) => (
              <div key={part.name}>
                <StateBadge
                  size="sm"
                  badge={{
                    label: part.label,
                    tone: part.name === 'estimated' ? 'quiet' : 'good',
                    icon: part.name === 'estimated' ? 'question' : part.name === 'metered' ? 'bolt' : 'check',
                    explanation: part.explanation,
                  }}
                />
                <Text size="sm" fw={550} span>
                  {part.amount.text}
                </Text>
              </div>
            ))}
          </div>
        </div>
      </SimpleGrid>
    </Panel>
  );
}
