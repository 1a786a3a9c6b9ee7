import { VisuallyHidden } from '@mantine/core';
import { IconAlertCircle, IconCircle, IconCircleCheck, IconCircleDot } from '@tabler/icons-react';
import { useDraft } from './draft';
import type { StepId } from './drafts';
import classes from './Wizard.module.css';

type State = 'open' | 'done' | 'wrong';

const PICTURES = { open: IconCircle, done: IconCircleCheck, wrong: IconAlertCircle };
const WORDS = { open: 'not looked at yet', done: 'done', wrong: 'has faults' };

/** Where one is among the steps, and which of them have faults. */
export function Progress({ step, onGo }: { step: StepId; onGo: (step: StepId) => void }) {
  const { form, check, isInsisted } = useDraft();
  const at = form.steps.findIndex((each) => each.id === step);

  function stateOf(id: StepId, index: number): State {
    const faults = check?.steps.find((each) => each.id === id)?.faults ?? 0;
    const isSeen = index < at || isInsisted(id);
    if (!isSeen) return 'open';
    return faults > 0 ? 'wrong' : 'done';
  }

  return (
    <nav aria-label="Steps">
      <ol className={classes.progress}>
        {form.steps.map((each, index) => {
          const state = stateOf(each.id, index);
          const isHere = each.id === step;
          const Picture = isHere && state !== 'wrong' ? IconCircleDot : PICTURES[state];
          return (
            <li key={each.id}>
              <button
                type="button"
                data-state={state}
                data-here={isHere || undefined}
                aria-current={isHere ? 'step' : undefined}
                onClick={() => onGo(each.id)}
              >
                <Picture
                  size={18}
                  stroke={1.8}
                  aria-hidden
                  className={classes.mark}
                  data-state={isHere ? undefined : state}
                />
                <span className={classes.name}>
                  {each.title}
                  {isHere ? null : <VisuallyHidden>, {WORDS[state]}</VisuallyHidden>}
                </span>
              </button>
            </li>
          );
        })}
      </ol>
      <p className={classes.where} aria-hidden>
        Step {at + 1} of {form.steps.length}
      </p>
    </nav>
  );
}
