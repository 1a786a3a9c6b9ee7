import { Anchor, Stack, Text } from '@mantine/core';
import type { Schemas } from '@/api/client';
import { CodeBlock } from '@/components/CodeBlock';
import { KeyValues } from '@/components/KeyValues';
import { Panel } from '@/components/Panel';
import { Sentence } from '@/components/Sentence';
import classes from './connection.module.css';

type Provider = Schemas['ProviderView'];

export function Steps({ provider }: { provider: Provider }) {
  return (
    <Panel
      title="How to get ready"
      aside={
        <Text size="xs" c="var(--tw-quiet)">
          {provider.estimated_time}
        </Text>
      }
    >
      <ol className={classes.steps}>
        {provider.setup_steps.map((step) => (
          <li key={step}>
            <Sentence text={step} />
          </li>
        ))}
      </ol>
      <Text size="sm" mt="sm">
        <Anchor href={provider.api_docs} target="_blank" rel="noreferrer" c="var(--tw-busy)">
          Its own documentation
        </Anchor>
      </Text>
    </Panel>
  );
}

export function Policies({ policies }: { policies: Schemas['PolicyView'][] }) {
  return policies.map((policy) => (
    <Panel title="Least permissions" key={policy.name}>
      <Stack gap="xs">
        <Text size="sm">{policy.title}</Text>
        <Text size="sm" c="var(--tw-quiet)">
          <Sentence text={policy.usage} />
        </Text>
        <CodeBlock text={policy.text} label={policy.title} maxHeight={320} />
      </Stack>
    </Panel>
  ));
}

export function Facts({ provider }: { provider: Provider }) {
  const { capabilities } = provider;
  const items: [string, boolean | null, string][] = [
    ['Spot machines', capabilities.has_spot, 'has_spot'],
    ['Several machines', capabilities.has_multi_node, 'has_multi_node'],
    ['Own images', capabilities.has_images, 'has_images'],
    ['Stop and start', capabilities.can_stop_and_start, 'can_stop_and_start'],
  ];
  return (
    <Panel title="What it can do">
      <Stack gap="md">
        <KeyValues
          items={[
            ['Runs jobs', provider.can_run ? 'yes' : 'not in this version'],
            ...items.map(
              ([title, has, name]) => [title, told(has, capabilities.gaps[name])] as [string, string],
            ),
          ]}
        />
        <Points title="Good" points={provider.pros} />
        <Points title="Not so good" points={provider.cons} />
      </Stack>
    </Panel>
  );
}

function told(has: boolean | null, gap: string | undefined): string {
  if (has === null) return 'known once connected';
  return has ? 'yes' : gap ? `no: ${gap}` : 'no';
}

function Points({ title, points }: { title: string; points: string[] }) {
  if (points.length === 0) return null;
  return (
    <div>
      <Text size="sm" fw={550} mb={4}>
        {title}
      </Text>
      <ul className={classes.plain}>
        {points.map((point) => (
          <li key={point}>{point}</li>
        ))}
      </ul>
    </div>
  );
}
