import { SegmentedControl, SimpleGrid, Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { Panel } from '@/components/Panel';
import { useDraft } from '../draft';
import { ListField, NotSupported, Remarks, TextField } from '../fields';
import { MemoryFits } from './MemoryFits';
import { ModelFields } from './ModelFields';
import { More } from '@/components/More';

type Known = 'model' | 'hours' | 'nothing';

const KNOWN: { value: Known; label: string }[] = [
  { value: 'model', label: 'A known model' },
  { value: 'hours', label: 'Hours' },
  { value: 'nothing', label: 'Not known' },
];

/** What is trained, which accelerators have the memory for it, and what else the machine must have. */
export function Resources() {
  const { get, set } = useDraft();
  const written: Known =
    get(['estimate', 'model']) !== undefined
      ? 'model'
      : get(['estimate', 'hours']) !== undefined
        ? 'hours'
        : 'nothing';
  const [chosen, choose] = useState<Known>(written);
  const known = written === 'nothing' ? chosen : written;

  function pick(next: Known) {
    choose(next);
    if (next !== known) set(['estimate'], undefined);
  }

  return (
    <Stack gap="md">
      <Panel title="How long it takes">
        <Stack gap="md">
          <SegmentedControl
            data={KNOWN}
            value={known}
            onChange={(next) => pick(next)}
            aria-label="What is known about how long it takes"
            size="sm"
          />
          {known === 'model' ? <ModelFields /> : null}
          {known === 'hours' ? (
            <SimpleGrid cols={{ base: 1, sm: 2 }}>
              <TextField path={['estimate', 'hours']} label="Hours" isNumber />
              <TextField path={['estimate', 'on']} label="Measured on" />
            </SimpleGrid>
          ) : null}
          {known === 'nothing' ? (
            <Text size="sm" c="var(--tw-quiet)">
              Places compare by the hour then. Finished runs of this job tell how long the next one takes.
            </Text>
          ) : null}
          <Remarks path={['estimate']} except={ESTIMATE_FIELDS} />
        </Stack>
      </Panel>
      {known === 'model' ? <MemoryFits /> : null}
      <Panel title="Accelerators">
        <Stack gap="sm">
          <ListField path={['resources', 'accelerators']} label="Any of these" one="Accelerator" />
          <More label="Shares, slices and several nodes">
            <Stack gap="xs">
              {['resources.accelerators', 'resources.accelerators.mig', 'resources.nodes'].map((where) => (
                <NotSupported key={where} where={where} hasField={where !== 'resources.nodes'} />
              ))}
            </Stack>
          </More>
        </Stack>
      </Panel>
      <Panel title="Machine">
        <SimpleGrid cols={{ base: 1, sm: 3 }}>
          <TextField path={['resources', 'cpus']} label="Processors" isNumber />
          <TextField path={['resources', 'memory']} label="Memory" />
          <TextField path={['resources', 'disk']} label="Disk" />
        </SimpleGrid>
      </Panel>
    </Stack>
  );
}

const ESTIMATE_FIELDS = [
  'model',
  'method',
  'tokens',
  'samples',
  'epochs',
  'batch',
  'sequence_length',
  'image_size',
  'precision',
  'hours',
  'on',
  'dataset_gb',
  'dataset_in',
];
