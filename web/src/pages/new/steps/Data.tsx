import { SimpleGrid, Stack } from '@mantine/core';
import { Panel } from '@/components/Panel';
import { ListField, NotSupported, Remarks, TextField } from '../fields';

/** What is kept while the job runs, and when it ends. */
export function Data() {
  return (
    <Stack gap="md">
      <Panel title="Checkpoints">
        <SimpleGrid cols={{ base: 1, sm: 3 }}>
          <TextField path={['checkpoints', 'path']} label="Folder" isCode />
          <TextField path={['checkpoints', 'every']} label="Every" />
          <TextField path={['checkpoints', 'keep']} label="Keep" isNumber />
        </SimpleGrid>
        <Remarks path={['checkpoints']} except={['path', 'every', 'keep']} />
      </Panel>
      <Panel title="Outputs">
        <ListField path={['outputs']} label="Files to keep" one="Pattern" />
      </Panel>
      <Panel title="Data sets">
        <NotSupported where="data" />
      </Panel>
    </Stack>
  );
}
