import { NativeSelect, Switch, Textarea, TextInput } from '@mantine/core';
import { Sentence } from '@/components/Sentence';
import { useDraft } from '../draft';
import { asText, fromText, type Path } from '../spec';
import classes from './Field.module.css';

/** Help stands below, so that fields beside each other stand on one line. */
export const ORDER: ('label' | 'input' | 'description' | 'error')[] = [
  'label',
  'input',
  'description',
  'error',
];

interface Props {
  path: Path;
  label: string;
  isNumber?: boolean;
  isRequired?: boolean;
  /** Rows of a field for longer text. */
  rows?: number;
  placeholder?: string;
  isCode?: boolean;
}

/** What the server says of a field: its faults, each with what would be right, and what one might regret. */
export function Remarks({ path, except = [] }: { path: Path; except?: string[] }) {
  const { faultsAt, warningsAt } = useDraft();
  // Parts that have fields of their own show theirs.
  const faults = faultsAt(path).filter((fault) => !except.includes(String(fault.path[path.length])));
  const warnings = warningsAt(path);
  if (faults.length + warnings.length === 0) return null;
  return (
    <div aria-live="polite">
      {faults.map((fault) => (
        <p key={fault.where + fault.message} className={classes.fault}>
          <Sentence text={fault.message} />
          {fault.hint ? <Hint text={fault.hint} /> : null}
        </p>
      ))}
      {warnings.map((warning) => (
        <p key={warning.code} className={classes.warning}>
          <Sentence text={warning.message} />
          {warning.hint ? <Hint text={warning.hint} /> : null}
        </p>
      ))}
    </div>
  );
}

function Hint({ text }: { text: string }) {
  return (
    <span className={classes.hint}>
      <Sentence text={text} />
    </span>
  );
}

/** What a field needs whatever it looks like: its meaning, an example, and what is wrong with it. */
function useField({ path, placeholder }: Props) {
  const { field, faultsAt, get } = useDraft();
  const about = field(path);
  const whatElse = about?.default ? `${about.default}, unless you say otherwise` : (about?.example ?? '');
  return {
    value: asText(get(path)),
    about,
    name: path.join('.'),
    isWrong: faultsAt(path).length > 0,
    placeholder: placeholder ?? (whatElse && !about?.default ? `for example ${whatElse}` : whatElse),
  };
}

/** A key of the job file as a field for text. */
export function TextField(props: Props) {
  const { set } = useDraft();
  const { value, about, name, isWrong, placeholder } = useField(props);
  const shared = {
    label: props.label,
    description: about ? <Sentence text={about.meaning} /> : undefined,
    placeholder,
    name,
    value,
    required: props.isRequired,
    error: isWrong,
    'aria-invalid': isWrong,
    inputWrapperOrder: ORDER,
    onChange: (event: { currentTarget: { value: string } }) =>
      set(props.path, fromText(event.currentTarget.value, props.isNumber)),
    classNames: { input: props.isCode ? classes.code : undefined },
    spellCheck: false,
    autoCapitalize: 'off',
  };
  return (
    <div>
      {props.rows ? (
        <Textarea {...shared} autosize minRows={props.rows} maxRows={14} />
      ) : (
        <TextInput {...shared} autoComplete="off" />
      )}
      <Remarks path={props.path} />
    </div>
  );
}

/** A key with a few values to choose from; the first choice leaves it out. */
export function ChoiceField(props: Props & { empty?: string }) {
  const { set } = useDraft();
  const { value, about, name, isWrong } = useField(props);
  const chosen = about?.choices.find((choice) => choice.value === (value || about.default));
  return (
    <div>
      <NativeSelect
        label={props.label}
        description={about ? <Sentence text={about.meaning} /> : undefined}
        name={name}
        value={value}
        error={isWrong}
        inputWrapperOrder={ORDER}
        onChange={(event) => set(props.path, event.currentTarget.value || undefined)}
        data={[
          {
            value: '',
            label: props.empty ?? (about?.default ? `${labelOf(about.default)} (usual)` : 'Not said'),
          },
          ...(about?.choices ?? [])
            .filter((choice) => choice.value !== about?.default || value === choice.value)
            .map((choice) => ({
              value: choice.value,
              label: choice.is_supported ? choice.label : `${choice.label} – not supported by this version`,
              disabled: !choice.is_supported,
            })),
        ]}
      />
      {chosen?.explanation ? <p className={classes.more}>{chosen.explanation}</p> : null}
      <Remarks path={props.path} />
    </div>
  );

  function labelOf(given: string): string {
    return about?.choices.find((choice) => choice.value === given)?.label ?? given;
  }
}

/** A key that is true or false. */
export function SwitchField({ path, label }: { path: Path; label: string }) {
  const { get, set, field } = useDraft();
  return (
    <div>
      <Switch
        label={label}
        description={field(path)?.meaning}
        checked={get(path) === true}
        onChange={(event) => set(path, event.currentTarget.checked ? true : undefined)}
      />
      <Remarks path={path} />
    </div>
  );
}

/** Says what the format knows and this version does not do; and that a draft uses it, where no field says so. */
export function NotSupported({ where, hasField = false }: { where: string; hasField?: boolean }) {
  const { form } = useDraft();
  const found = form.unsupported.find((each) => each.where === where);
  if (!found) return null;
  return (
    <div className={classes.unsupported} role="note">
      <p>
        <Sentence text={`${found.message}.`} />
      </p>
      <p className={classes.hint}>
        <Sentence text={found.hint} />
      </p>
      {hasField ? null : <Remarks path={where.split('.')} />}
    </div>
  );
}
