import { Button, Grid, Group, Text } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import { useNavigate } from 'react-router';
import { PageHeader } from '@/components/PageHeader';
import { ProblemAlert } from '@/components/ProblemAlert';
import { useUrlState } from '@/lib/url';
import { useDraft } from './draft';
import { discardDraft, isBlank, type StepId } from './drafts';
import { Drafts } from './Drafts';
import { Launch } from './Launch';
import { Progress } from './Progress';
import { SoFar } from './SoFar';
import { Configuration } from './steps/Configuration';
import { Data } from './steps/Data';
import { Provider } from './steps/Provider';
import { Resources } from './steps/Resources';
import { Review } from './steps/Review';
import { Source } from './steps/Source';
import classes from './Wizard.module.css';

const STEPS: Record<StepId, () => React.JSX.Element> = {
  source: Source,
  data: Data,
  resources: Resources,
  configuration: Configuration,
  provider: Provider,
  review: Review,
};

function focusFault() {
  document.querySelector<HTMLElement>('#content [aria-invalid="true"]')?.focus();
}

/** The steps around one draft. Each is checked by the server; which one is shown, the address says. */
export function Wizard() {
  const { draft, form, check, checkError, isChecking, recheck, change, insist, isInsisted, isKept } =
    useDraft();
  const url = useUrlState();
  const navigate = useNavigate();
  const heading = useRef<HTMLHeadingElement>(null);
  const ids = form.steps.map((step) => step.id);
  const step = ids.find((id) => id === url.text('step')) ?? draft.step;
  const at = ids.indexOf(step);
  const about = form.steps[at];
  const faults = (check?.faults ?? []).filter((fault) => fault.step === step);
  const isHeldBack = isInsisted(step) && faults.length > 0;
  const first = useRef(true);
  const [isBusy, setBusy] = useState(false);

  useEffect(() => {
    // Whoever reads the page aloud hears the step's name; at first the page's own.
    if (!first.current) heading.current?.focus();
    first.current = false;
  }, [step]);

  function go(to: StepId) {
    insist(step);
    change({ step: to });
    url.set({ step: to }, { push: true });
    window.scrollTo({ top: 0 });
  }

  async function next() {
    insist(step);
    setBusy(true);
    try {
      // What was typed a moment ago may not be checked yet.
      const newest = isChecking ? await recheck() : check;
      const following = ids[at + 1];
      if (newest?.faults.some((fault) => fault.step === step)) window.setTimeout(focusFault);
      else if (following) go(following);
    } catch {
      // The check says by itself that it could not be made.
    } finally {
      setBusy(false);
    }
  }

  function discard() {
    discardDraft(draft.id);
    void navigate('/new');
  }

  const Step = STEPS[step];
  return (
    <>
      <PageHeader
        title="New job"
        about={
          isKept
            ? 'Every step is checked as you go. The draft stays in this browser until it is launched.'
            : undefined
        }
        actions={
          isBlank(draft) ? null : (
            <Button variant="default" size="xs" onClick={discard}>
              Discard draft
            </Button>
          )
        }
      />
      {isKept ? null : (
        <Text c="var(--tw-warning)" size="sm" mb="sm" role="status">
          This browser does not keep the draft: it is lost when you leave this page.
        </Text>
      )}
      <Drafts />
      <Progress step={step} onGo={go} />
      <Grid gap="lg" mt="md">
        <Grid.Col span={{ base: 12, lg: 8.5 }}>
          <section aria-labelledby="step-title" className={classes.step}>
            <h2 id="step-title" ref={heading} tabIndex={-1} className={classes.title}>
              {about?.title}
            </h2>
            <Text size="sm" c="var(--tw-quiet)" mb="md">
              {about?.about}
            </Text>
            <ProblemAlert error={checkError} />
            <Step />
          </section>
          <Group justify="space-between" mt="lg" className={classes.bar}>
            <Button
              variant="default"
              disabled={at === 0}
              onClick={() => ids[at - 1] && go(ids[at - 1] as StepId)}
            >
              Back
            </Button>
            <Group gap="sm">
              {isHeldBack ? (
                <Text size="sm" c="var(--tw-bad)" role="status">
                  {faults.length === 1 ? 'One thing' : `${faults.length} things`} to mend first
                </Text>
              ) : null}
              {step === 'review' ? (
                <Launch />
              ) : (
                <Button onClick={() => void next()} loading={isBusy}>
                  Next: {form.steps[at + 1]?.title}
                </Button>
              )}
            </Group>
          </Group>
        </Grid.Col>
        <Grid.Col span={{ base: 12, lg: 3.5 }} visibleFrom="lg">
          <SoFar step={step} onGo={go} />
        </Grid.Col>
      </Grid>
    </>
  );
}
