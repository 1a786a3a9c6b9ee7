import { Button, Stack } from '@mantine/core';
import { useNavigate } from 'react-router';
import { $api, newKey } from '@/api/client';
import { ProblemAlert } from '@/components/ProblemAlert';
import { useDraft } from './draft';
import { discardDraft } from './drafts';

/** Starts the job: once, however often it is pressed, and also where the answer is lost on its way. */
export function Launch() {
  const { draft, check, isChecking, insist, change } = useDraft();
  const navigate = useNavigate();
  const launch = $api.useMutation('post', '/api/v1/jobs');
  const isReady = check?.is_valid === true && !isChecking && draft.text === null;

  function start() {
    for (const fault of check?.faults ?? []) insist(fault.step);
    if (!isReady || launch.isPending || launch.isSuccess) return;
    const body = { spec: draft.spec, workdir: draft.workdir, search_path: draft.searchPath };
    const text = JSON.stringify(body);
    // The same job under the same key is the same job, also after a reload; a changed one is another.
    const sent = draft.sent?.text === text ? draft.sent : { text, key: newKey() };
    change({ sent });
    launch.mutate(
      { body, params: { header: { 'Idempotency-Key': sent.key } } },
      {
        onSuccess: (job) => {
          discardDraft(draft.id);
          void navigate(`/jobs/${job.id}`, { replace: true });
        },
      },
    );
  }

  return (
    <Stack gap="xs" align="flex-end">
      <ProblemAlert error={launch.error} />
      <Button onClick={start} disabled={!isReady} loading={launch.isPending || launch.isSuccess}>
        Launch
      </Button>
    </Stack>
  );
}
