import { Button, Loader } from '@mantine/core';
import { useEffect, useState } from 'react';
import { Link, Navigate, useNavigate } from 'react-router';
import { $api } from '@/api/client';
import { PageHeader } from '@/components/PageHeader';
import { ProblemAlert } from '@/components/ProblemAlert';
import { useUrlState } from '@/lib/url';
import { DraftProvider } from './draft';
import { keepDraft, newDraft, readDraft, type Draft } from './drafts';
import { Wizard } from './Wizard';

/** A new job, step by step: from nothing, a template, an earlier job or an offer. */
export default function New() {
  const url = useUrlState();
  const form = $api.useQuery('get', '/api/v1/job-files/form', {}, { staleTime: Infinity });
  const id = url.text('draft');
  const begun = (['clone', 'template', 'offer'] as const).find((name) => url.text(name) !== '');
  if (form.error) return <Failed error={form.error} />;
  if (form.data === undefined) return <Loader size="sm" role="status" aria-label="Loading" />;
  if (begun === 'clone') return <FromJob key={url.text('clone')} reference={url.text('clone')} />;
  if (begun === 'template') return <FromTemplate key={url.text('template')} name={url.text('template')} />;
  if (begun === 'offer') return <FromOffer key={url.text('offer')} offer={url.text('offer')} />;
  if (id === '') return <Navigate to={`/new?draft=${crypto.randomUUID()}`} replace />;
  return (
    <DraftProvider key={id} first={readDraft(id) ?? { ...newDraft(), id }} form={form.data}>
      <Wizard />
    </DraftProvider>
  );
}

function FromJob({ reference }: { reference: string }) {
  const { data, error } = $api.useQuery('get', '/api/v1/jobs/{reference}/clone', {
    params: { path: { reference } },
  });
  const begun = data && {
    spec: data.spec,
    kind: 'job' as const,
    origin: data.name,
    workdir: data.workdir,
    searchPath: data.search_path,
  };
  return <Begin changes={begun} error={error} />;
}

function FromTemplate({ name }: { name: string }) {
  const { data, error } = $api.useQuery('post', '/api/v1/templates/{name}', { params: { path: { name } } });
  const begun = data && {
    spec: data.spec,
    kind: 'template' as const,
    origin: data.title,
    workdir: data.workdir,
  };
  return <Begin changes={begun} error={error} />;
}

function FromOffer({ offer }: { offer: string }) {
  const body = { spec: { version: 1 }, offers: [offer] };
  const { data, error } = $api.useQuery('post', '/api/v1/job-files/places', { body });
  const begun = data && {
    spec: data.spec,
    mode: 'pinned' as const,
    offers: [offer],
    placeNotes: [data.text, ...data.notes],
  };
  return <Begin changes={begun} error={error} />;
}

/** Makes a draft of what was fetched, and goes on with it. */
function Begin({ changes, error }: { changes: Partial<Draft> | undefined; error: unknown }) {
  const [draft] = useState(newDraft);
  const navigate = useNavigate();
  useEffect(() => {
    if (changes === undefined) return;
    keepDraft({ ...draft, ...changes });
    void navigate(`/new?draft=${draft.id}`, { replace: true });
    // What was fetched does not change any more.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [changes === undefined]);
  return error ? <Failed error={error} /> : <Loader size="sm" role="status" aria-label="Loading" />;
}

function Failed({ error }: { error: unknown }) {
  return (
    <>
      <PageHeader title="New job" />
      <ProblemAlert error={error} />
      <Button component={Link} to="/new" variant="default" mt="md">
        Begin with nothing
      </Button>
    </>
  );
}
