import { Button, Loader, Text, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData } from '@tanstack/react-query';
import { useState } from 'react';
import { $api, api } from '@/api/client';
import { ProblemAlert } from '@/components/ProblemAlert';
import { When } from '@/components/When';
import { useDraft } from '../draft';
import classes from './Source.module.css';

/** Takes the job file and the files of an earlier job over. */
export function EarlierJob() {
  const { change } = useDraft();
  const [name, setName] = useState('');
  const [asked] = useDebouncedValue(name.trim(), 250);
  const { data, error, isPending } = $api.useQuery(
    'get',
    '/api/v1/jobs',
    { params: { query: { limit: 20, ...(asked ? { name: asked } : {}) } } },
    { placeholderData: keepPreviousData },
  );
  const [failure, setFailure] = useState<unknown>(null);
  const [note, setNote] = useState('');

  async function take(id: string) {
    setFailure(null);
    try {
      const { data: found } = await api.GET('/api/v1/jobs/{reference}/clone', {
        params: { path: { reference: id } },
      });
      if (found === undefined) return;
      setNote(found.note ?? '');
      change({
        spec: found.spec,
        workdir: found.workdir,
        searchPath: found.search_path,
        origin: found.workdir === null ? '' : found.name,
        mode: 'auto',
        offers: [],
        placeNotes: [],
      });
    } catch (problem) {
      setFailure(problem);
    }
  }

  return (
    <>
      <TextInput
        label="Name of the job"
        description="The newest are listed; a whole name finds older ones."
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <ProblemAlert error={error ?? failure} />
      {note ? (
        <Text size="sm" c="var(--tw-warning)" role="status">
          {note.charAt(0).toUpperCase() + note.slice(1)}.
        </Text>
      ) : null}
      {isPending ? <Loader size="sm" role="status" aria-label="Loading" /> : null}
      {data?.items.length === 0 ? (
        <Text size="sm" c="var(--tw-quiet)">
          {asked ? `No job is called ${asked}.` : 'There are no jobs yet.'}
        </Text>
      ) : null}
      {data && data.items.length > 0 ? (
        <div className={classes.jobs} role="list" aria-label="Earlier jobs">
          {data.items.map((job) => (
            <div key={job.id} className={classes.job} role="listitem">
              <Text size="sm" fw={500} truncate flex={1}>
                {job.name}
              </Text>
              <Text size="sm" c="var(--tw-quiet)">
                {job.status} · <When at={job.created_at} />
              </Text>
              <Button
                size="compact-xs"
                variant="light"
                onClick={() => void take(job.id)}
                aria-label={`Take over ${job.name} ${job.id}`}
              >
                Take over
              </Button>
            </div>
          ))}
        </div>
      ) : null}
    </>
  );
}
