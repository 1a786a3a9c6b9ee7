import { Badge, Button, Group, Loader, SimpleGrid, Text } from '@mantine/core';
import { useState } from 'react';
import { $api, api } from '@/api/client';
import { ProblemAlert } from '@/components/ProblemAlert';
import { useDraft } from '../draft';
import classes from './Source.module.css';

/** Examples that ship, ready to run. */
export function Templates() {
  const { draft, change } = useDraft();
  const { data, error, isPending } = $api.useQuery('get', '/api/v1/templates', {}, { staleTime: Infinity });
  const [failure, setFailure] = useState<unknown>(null);
  const [busy, setBusy] = useState('');

  async function use(id: string) {
    setBusy(id);
    setFailure(null);
    try {
      const used = await api.POST('/api/v1/templates/{name}', { params: { path: { name: id } } });
      if (used.data)
        change({
          spec: used.data.spec,
          workdir: used.data.workdir,
          origin: used.data.title,
          searchPath: null,
          mode: 'auto',
          offers: [],
          placeNotes: [],
        });
    } catch (problem) {
      setFailure(problem);
    } finally {
      setBusy('');
    }
  }

  if (isPending) return <Loader size="sm" role="status" aria-label="Loading" />;
  return (
    <>
      <ProblemAlert error={error ?? failure} />
      <SimpleGrid cols={{ base: 1, sm: 3 }} spacing="sm">
        {(data?.items ?? []).map((template) => {
          const isTaken = draft.workdir === template.workdir;
          return (
            <div key={template.id} className={classes.card} data-taken={isTaken || undefined}>
              <Group justify="space-between" gap="xs">
                <Text fw={600} size="sm">
                  {template.title}
                </Text>
                {isTaken ? (
                  <Badge size="sm" variant="outline" style={{ color: 'var(--tw-good)' }}>
                    In use
                  </Badge>
                ) : null}
              </Group>
              <Text size="sm">{template.about}</Text>
              <Text size="xs" c="var(--tw-quiet)" mb="xs">
                {template.needs}
              </Text>
              <Button
                size="xs"
                mt="auto"
                variant={isTaken ? 'default' : 'light'}
                loading={busy === template.id}
                onClick={() => void use(template.id)}
              >
                {isTaken ? 'Start over from' : 'Use'} {template.title}
              </Button>
            </div>
          );
        })}
      </SimpleGrid>
    </>
  );
}
