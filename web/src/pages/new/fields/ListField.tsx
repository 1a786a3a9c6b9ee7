import { ActionIcon, Button, Group, Input, Stack, TextInput } from '@mantine/core';
import { IconPlus, IconX } from '@tabler/icons-react';
import { useState } from 'react';
import { Sentence } from '@/components/Sentence';
import { useDraft } from '../draft';
import { asList, asText, read, type Path, type Spec } from '../spec';
import { Remarks } from './Field';
import classes from './Field.module.css';

/** A key that is a list of texts: one field for each. */
export function ListField({ path, label, one }: { path: Path; label: string; one: string }) {
  const { get, set, field, faultsAt } = useDraft();
  const items = asList(get(path));
  const about = field(path);
  const [blank, setBlank] = useState(false);
  const shown = blank || items.length === 0 ? [...items, ''] : items;

  function put(index: number, text: string) {
    const after = shown.map((item, at) => (at === index ? text : item)).filter((item) => item !== '');
    if (text !== '') setBlank(false);
    set(path, after.length > 0 ? after : undefined);
  }

  return (
    <Input.Wrapper
      label={label}
      description={about ? <Sentence text={about.meaning} /> : undefined}
      labelElement="div"
      role="group"
      aria-label={label}
    >
      <Stack gap={6} mt={6}>
        {shown.map((item, index) => (
          <Group key={index} gap={6} wrap="nowrap">
            <TextInput
              flex={1}
              value={item}
              aria-label={`${one} ${index + 1}`}
              placeholder={index === 0 ? `for example ${about?.example.replace(/[[\]]/g, '') ?? ''}` : ''}
              error={faultsAt(path).some((fault) => fault.path[path.length] === index)}
              onChange={(event) => put(index, event.currentTarget.value)}
              classNames={{ input: classes.code }}
              spellCheck={false}
            />
            {item !== '' ? (
              <ActionIcon
                variant="subtle"
                color="gray"
                aria-label={`Remove ${one.toLowerCase()} ${index + 1}`}
                onClick={() => put(index, '')}
              >
                <IconX size={16} />
              </ActionIcon>
            ) : null}
          </Group>
        ))}
        {items.length > 0 && !blank ? (
          <div>
            <Button
              size="compact-sm"
              variant="subtle"
              leftSection={<IconPlus size={14} />}
              onClick={() => setBlank(true)}
            >
              Another {one.toLowerCase()}
            </Button>
          </div>
        ) : null}
      </Stack>
      <Remarks path={path} />
    </Input.Wrapper>
  );
}

/** A key that is a mapping of names to texts: a line `NAME=value` for each. */
export function PairsField({ path, label, placeholder }: { path: Path; label: string; placeholder: string }) {
  const { spec, set, field } = useDraft();
  const value = read(spec, path);
  const pairs: [string, string][] = Object.entries((value ?? {}) as Spec).map(([name, item]) => [
    name,
    asText(item),
  ]);
  const [extra, setExtra] = useState<[string, string] | null>(null);
  const about = field(path);

  function keep(after: [string, string][]) {
    const named = after.filter(([name]) => name !== '');
    set(path, named.length > 0 ? Object.fromEntries(named) : undefined);
  }

  function put(index: number, change: Partial<{ name: string; value: string }>) {
    if (index < pairs.length) {
      keep(
        pairs.map((pair, at) => (at === index ? [change.name ?? pair[0], change.value ?? pair[1]] : pair)),
      );
      return;
    }
    const after: [string, string] = [change.name ?? extra?.[0] ?? '', change.value ?? extra?.[1] ?? ''];
    const isNew = after[0] !== '' && !pairs.some(([name]) => name === after[0]);
    if (change.value !== undefined && isNew) {
      keep([...pairs, after]);
      setExtra(null);
    } else setExtra(after);
  }

  return (
    <Input.Wrapper
      label={label}
      description={about ? <Sentence text={about.meaning} /> : undefined}
      labelElement="div"
      role="group"
      aria-label={label}
    >
      <Stack gap={6} mt={6}>
        {[...pairs, extra ?? (['', ''] as [string, string])].map(([name, text], index) => (
          <div key={index}>
            <Group gap={6} wrap="nowrap">
              <TextInput
                w="40%"
                value={name}
                aria-label={`Name ${index + 1}`}
                placeholder={index === pairs.length ? placeholder : ''}
                onChange={(event) => put(index, { name: event.currentTarget.value })}
                classNames={{ input: classes.code }}
                spellCheck={false}
              />
              <TextInput
                flex={1}
                value={text}
                aria-label={`Value of ${name || `name ${index + 1}`}`}
                disabled={name === ''}
                onChange={(event) => put(index, { value: event.currentTarget.value })}
                classNames={{ input: classes.code }}
                spellCheck={false}
              />
              <ActionIcon
                variant="subtle"
                color="gray"
                aria-label={`Remove ${name || 'this line'}`}
                disabled={index === pairs.length}
                onClick={() => keep(pairs.filter((_, at) => at !== index))}
              >
                <IconX size={16} />
              </ActionIcon>
            </Group>
            {name ? <Remarks path={[...path, name]} /> : null}
          </div>
        ))}
      </Stack>
      <Remarks path={path} />
    </Input.Wrapper>
  );
}
