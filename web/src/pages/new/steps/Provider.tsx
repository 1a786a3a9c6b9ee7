import { SimpleGrid, Stack, TextInput } from '@mantine/core';
import { Panel } from '@/components/Panel';
import { Sentence } from '@/components/Sentence';
import { useDraft } from '../draft';
import { ORDER } from '../fields/Field';
import { ChoiceField, ListField, NotSupported, Remarks, TextField } from '../fields';
import { asText } from '../spec';
import { More } from '@/components/More';
import { Places } from './Places';

/** Where it may run, and what it may cost. */
export function Provider() {
  return (
    <Stack gap="md">
      <Places />
      <Panel title="Machines that can be taken back">
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          <ChoiceField path={['resources', 'spot']} label="Spot" />
          <TextField path={['checkpoints', 'every']} label="Checkpoint every" />
        </SimpleGrid>
        <Remarks path={['checkpoints']} except={['path', 'every', 'keep']} />
      </Panel>
      <Panel title="Limits">
        <SimpleGrid cols={{ base: 1, sm: 2, md: 3 }}>
          <TextField path={['constraints', 'budget']} label="Budget" />
          <Deadline />
          <TextField path={['constraints', 'max_duration']} label="Longest duration" />
          <TextField path={['constraints', 'max_price']} label="Highest price" />
          <TextField path={['constraints', 'min_reliability']} label="Least reliability" isNumber />
        </SimpleGrid>
      </Panel>
      <Panel title="What matters">
        <SimpleGrid cols={{ base: 1, sm: 2 }}>
          <ChoiceField path={['strategy']} label="Strategy" />
          <TextField path={['migrate', 'when_cheaper_by']} label="Move when cheaper by" />
        </SimpleGrid>
        <div style={{ marginTop: 'var(--mantine-spacing-md)' }}>
          <More label="Providers, regions and profiles by name">
            <Stack gap="md">
              <SimpleGrid cols={{ base: 1, sm: 2 }}>
                <ListField path={['resources', 'providers']} label="Providers" one="Provider" />
                <ListField path={['resources', 'regions']} label="Regions" one="Region" />
              </SimpleGrid>
              <NotSupported where="profile" />
            </Stack>
          </More>
        </div>
      </Panel>
    </Stack>
  );
}

/** A point in time, in the zone of the browser; in the job file it has one of its own. */
function Deadline() {
  const { get, set, field, faultsAt } = useDraft();
  const path = ['constraints', 'deadline'];
  const written = asText(get(path));
  const moment = written === '' ? null : new Date(written);
  const isReadable = moment === null || !Number.isNaN(moment.getTime());
  const meaning = field(path)?.meaning;
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

  function local(at: Date): string {
    return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
  }

  function choose(text: string) {
    if (!isReadable || text === '') set(path, text || undefined);
    else set(path, new Date(text).toISOString().replace(/:\d\d\.\d{3}Z$/, 'Z'));
  }

  return (
    <div>
      <TextInput
        type={isReadable ? 'datetime-local' : 'text'}
        label="Deadline"
        description={meaning ? <Sentence text={`${meaning} Yours is ${zone}.`} /> : undefined}
        name="constraints.deadline"
        inputWrapperOrder={ORDER}
        value={isReadable ? (moment ? local(moment) : '') : written}
        error={faultsAt(path).length > 0}
        aria-invalid={faultsAt(path).length > 0}
        onChange={(event) => choose(event.currentTarget.value)}
      />
      <Remarks path={path} />
    </div>
  );
}
