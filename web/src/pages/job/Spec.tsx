import { Button, Group, Loader, SegmentedControl, Stack, Text } from '@mantine/core';
import { IconCopyPlus } from '@tabler/icons-react';
import { Link } from 'react-router';
import { $api } from '@/api/client';
import { CodeBlock } from '@/components/CodeBlock';
import { Panel } from '@/components/Panel';
import { ProblemAlert } from '@/components/ProblemAlert';
import { useUrlState } from '@/lib/url';
import type { Detail } from './useJob';

/** The job file as it was submitted, the whole answer of the server, and how to run it again. */
export default function Spec({ job }: { job: Detail }) {
  const url = useUrlState();
  const form = url.text('as', 'yaml');
  const query = $api.useQuery('get', '/api/v1/jobs/{reference}/spec', {
    params: { path: { reference: job.id } },
  });
  const spec = query.data;
  return (
    <Stack gap="md">
      <ProblemAlert error={query.error} />
      {query.isPending ? <Loader size="sm" /> : null}
      {spec ? (
        <>
          <Group justify="space-between">
            <SegmentedControl
              aria-label="Form"
              value={form}
              onChange={(as) => url.set({ as: as === 'yaml' ? null : as })}
              data={[
                { value: 'yaml', label: 'YAML' },
                { value: 'json', label: 'JSON' },
                { value: 'inspect', label: 'Inspect' },
              ]}
            />
            <Button
              component={Link}
              to={spec.clone_path}
              variant="default"
              leftSection={<IconCopyPlus size={16} aria-hidden />}
            >
              Clone and edit
            </Button>
          </Group>
          {form === 'yaml' ? <CodeBlock text={spec.yaml} label="Job file" maxHeight={640} /> : null}
          {form === 'json' ? (
            <CodeBlock text={JSON.stringify(spec.spec, null, 2)} label="Job file as JSON" maxHeight={640} />
          ) : null}
          {form === 'inspect' ? (
            <CodeBlock text={JSON.stringify(job, null, 2)} label="Job as the API has it" maxHeight={640} />
          ) : null}
          <Panel title="The same from a shell">
            <Text size="sm" c="var(--tw-quiet)" mb="xs">
              Save it as <code>{spec.file_name}</code>
              {spec.workdir ? ' beside the files that it came with' : ''}, then:
            </Text>
            <CodeBlock text={spec.command} label="Command" />
          </Panel>
        </>
      ) : null}
    </Stack>
  );
}
