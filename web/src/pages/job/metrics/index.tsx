import {
  Button,
  Group,
  SegmentedControl,
  SimpleGrid,
  Skeleton,
  Slider,
  Stack,
  Switch,
  Text,
  Title,
} from '@mantine/core';
import { IconChartLine } from '@tabler/icons-react';
import { useState } from 'react';
import { EmptyState } from '@/components/EmptyState';
import { ProblemAlert } from '@/components/ProblemAlert';
import { useUrlState } from '@/lib/url';
import { Chart } from './Chart';
import type { Axis } from './lines';
import { panelsOf, useMetrics, type AttemptOf, type Panel } from './useMetrics';

interface Props {
  jobId: string;
  attempts: AttemptOf[];
}

const COLUMNS = { base: 1, md: 2 };

/** What a job reports and what its machines do, over time: four charts first, the others when they are wanted. */
export function JobMetrics({ jobId, attempts }: Props) {
  const { answers, isPending, error } = useMetrics(jobId, attempts, 'default');
  const url = useUrlState();
  const axis: Axis = url.text('x') === 'step' ? 'step' : 'time';
  const weight = Math.min(Math.max(url.number('smooth', 0), 0), 0.99);
  const isLog = url.flag('log');
  const opened = url.list('chart');
  const panels = panelsOf(answers);
  const first = panels.filter((each) => each.is_default);
  const others = panels.filter((each) => !each.is_default);
  const look = { attempts, axis, weight, isLog };

  if (isPending)
    return (
      <SimpleGrid cols={COLUMNS}>
        {[1, 2, 3, 4].map((each) => (
          <Skeleton key={each} height={310} />
        ))}
      </SimpleGrid>
    );
  return (
    <Stack gap="md">
      <ProblemAlert error={error} />
      {panels.length ? (
        <Controls
          axis={axis}
          weight={weight}
          isLog={isLog}
          set={url.set}
          hasOwn={panels.some((each) => each.kind === 'user')}
        />
      ) : error ? null : (
        <EmptyState title="No metrics yet" icon={IconChartLine}>
          The machine is measured every few seconds once the command runs. A script&rsquo;s own figures are
          read from what it prints, such as &ldquo;loss: 0.42&rdquo;.
        </EmptyState>
      )}
      <SimpleGrid cols={COLUMNS}>
        {first.map((panel) => (
          <Chart key={panel.id} panel={panel} answers={answers} {...look} />
        ))}
        {others
          .filter((panel) => opened.includes(panel.id))
          .map((panel) => (
            <Opened key={panel.id} jobId={jobId} panel={panel} {...look} />
          ))}
      </SimpleGrid>
      {others.length ? (
        <Stack gap={6}>
          <Title order={2} size="h5">
            More charts
          </Title>
          <Group gap={6}>
            {others.map((panel) => {
              const isOpen = opened.includes(panel.id);
              return (
                <Button
                  key={panel.id}
                  size="compact-sm"
                  variant={isOpen ? 'filled' : 'default'}
                  aria-pressed={isOpen}
                  onClick={() =>
                    url.set({
                      chart: isOpen ? opened.filter((each) => each !== panel.id) : [...opened, panel.id],
                    })
                  }
                >
                  {panel.title}
                </Button>
              );
            })}
          </Group>
        </Stack>
      ) : null}
    </Stack>
  );
}

function Opened({
  jobId,
  panel,
  ...look
}: {
  jobId: string;
  panel: Panel;
  attempts: AttemptOf[];
  axis: Axis;
  weight: number;
  isLog: boolean;
}) {
  const { answers, isPending, error } = useMetrics(jobId, look.attempts, panel.id);
  if (isPending) return <Skeleton height={310} />;
  if (error) return <ProblemAlert error={error} />;
  return <Chart panel={panel} answers={answers} {...look} />;
}

function Controls({
  axis,
  weight,
  isLog,
  hasOwn,
  set,
}: {
  axis: Axis;
  weight: number;
  isLog: boolean;
  hasOwn: boolean;
  set: (changes: Record<string, string | number | boolean | null>) => void;
}) {
  const [moved, setMoved] = useState<number | null>(null);
  if (!hasOwn) return null;
  return (
    <Group gap="lg" wrap="wrap">
      <SegmentedControl
        size="xs"
        aria-label="Horizontal axis"
        value={axis}
        onChange={(value) => set({ x: value === 'time' ? null : value })}
        data={[
          { value: 'time', label: 'Time' },
          { value: 'step', label: 'Step' },
        ]}
      />
      <Group gap="xs" wrap="nowrap">
        <Text size="xs" id="smoothing">
          Smoothing
        </Text>
        <Slider
          w={140}
          size="sm"
          min={0}
          max={0.99}
          step={0.01}
          label={(value) => value.toFixed(2)}
          thumbProps={{ 'aria-labelledby': 'smoothing' }}
          value={moved ?? weight}
          onChange={setMoved}
          onChangeEnd={(value) => {
            setMoved(null);
            set({ smooth: value || null });
          }}
        />
      </Group>
      <Switch
        size="xs"
        label="Logarithmic"
        checked={isLog}
        onChange={(event) => set({ log: event.currentTarget.checked })}
      />
    </Group>
  );
}

export default JobMetrics;
