import { Group, Stack, Text } from '@mantine/core';
import { CopyButton } from '@/components/CopyButton';
import { EstimatePanel } from '@/components/estimate/EstimatePanel';
import { Panel } from '@/components/Panel';
import { useDraft } from '../draft';
import { Findings } from './Findings';
import { JobFileEditor } from './JobFileEditor';
import { Plan } from './Plan';
import classes from './Review.module.css';

/** The whole of it before it starts: the plan, what to know of it, the job file, and the same for the command line. */
export function Review() {
  const { check, estimable } = useDraft();
  return (
    <Stack gap="md">
      <Findings />
      <Plan />
      <EstimatePanel spec={estimable} />
      <JobFileEditor />
      <Panel title="Command line">
        <Group gap="xs" wrap="nowrap" className={classes.line}>
          <code>{check?.command_line}</code>
          {check ? <CopyButton text={check.command_line} label="Copy the command" /> : null}
        </Group>
        <Text size="sm" c="var(--tw-quiet)" mt={6}>
          {check?.command_note}
        </Text>
      </Panel>
    </Stack>
  );
}
