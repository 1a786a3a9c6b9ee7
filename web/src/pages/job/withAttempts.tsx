import type { ComponentType } from 'react';
import { EmptyState } from '@/components/EmptyState';
import { attemptsOf, type Attempt, type Detail } from './useJob';

/** A viewer of what attempts left; says why there is nothing before the first one. */
export function withAttempts(Viewer: ComponentType<{ jobId: string; attempts: Attempt[] }>) {
  return function Panel({ job }: { job: Detail }) {
    const attempts = attemptsOf(job);
    if (attempts.length === 0) return <NotBegun job={job} what="There is nothing yet" />;
    return <Viewer jobId={job.id} attempts={attempts} />;
  };
}

/** What a tab shows of a job that has not begun. */
export function NotBegun({ job, what }: { job: Detail; what: string }) {
  return (
    <EmptyState title={what}>
      {job.waiting ? `It has not been placed: ${job.waiting.text}.` : job.state?.explanation}
    </EmptyState>
  );
}
