import { SimpleGrid, Stack } from '@mantine/core';
import { EstimatePanel } from '@/components/estimate/EstimatePanel';
import { Panel } from '@/components/Panel';
import { useDraft } from '../draft';
import { ChoiceField, NotSupported, PairsField, SwitchField, TextField } from '../fields';
import { More } from '@/components/More';

/** What runs, in which environment, and what happens when it fails; with what it would take here and elsewhere. */
export function Configuration() {
  const { estimable } = useDraft();
  return (
    <Stack gap="md">
      <Panel title="Command">
        <Stack gap="md">
          <TextField path={['run']} label="Command that trains" rows={2} isCode isRequired />
          <TextField path={['setup']} label="Preparation" rows={1} isCode />
          <PairsField path={['env']} label="Environment" placeholder="SEED" />
        </Stack>
      </Panel>
      <EstimatePanel spec={estimable} />
      <Panel title="When something goes wrong">
        <Stack gap="md">
          <SimpleGrid cols={{ base: 1, sm: 2 }}>
            <TextField path={['retry', 'interruptions']} label="Resume after interruptions" isNumber />
            <TextField path={['retry', 'failures']} label="Try again after failures" isNumber />
            <TextField path={['health', 'stall_after']} label="Stalled after" />
            <ChoiceField path={['health', 'on_stall']} label="When it stalls" />
          </SimpleGrid>
          <More label="More about health, retries and contact">
            <SimpleGrid cols={{ base: 1, sm: 2 }}>
              <ChoiceField path={['health', 'on_nan']} label="When a loss is not a number" />
              <ChoiceField path={['health', 'on_gpu_error']} label="When a GPU breaks" />
              <TextField path={['health', 'no_progress_after']} label="No progress after" />
              <TextField path={['retry', 'node_failures']} label="Resume after lost machines" isNumber />
              <TextField path={['retry', 'unhealthy']} label="Restart when unhealthy" isNumber />
              <ChoiceField path={['on_lost_contact']} label="Without contact" />
              <SwitchField path={['health', 'stop_on_nan']} label="Stop when a loss is not a number" />
            </SimpleGrid>
          </More>
        </Stack>
      </Panel>
      <Panel title="Order, frameworks and secrets">
        <Stack gap="md">
          <SimpleGrid cols={{ base: 1, sm: 2 }}>
            <ChoiceField path={['priority']} label="Priority" />
            <ChoiceField path={['launcher']} label="Launcher" />
          </SimpleGrid>
          <More label="What this version does not do">
            <Stack gap="xs">
              {['image', 'secrets', 'sweep', 'depends_on'].map((where) => (
                <NotSupported key={where} where={where} />
              ))}
            </Stack>
          </More>
        </Stack>
      </Panel>
    </Stack>
  );
}
