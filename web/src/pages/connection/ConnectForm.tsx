import { Button, Collapse, Group, PasswordInput, Radio, Stack, Text, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { notifications } from '@mantine/notifications';
import { useState, type FormEvent } from 'react';
import { $api, queries, type Schemas } from '@/api/client';
import { ProblemAlert } from '@/components/ProblemAlert';

type Source = Schemas['CredentialSource'];

/** Asks for what this provider needs. Secrets go in and are never shown again; what is typed is forgotten once sent. */
export function ConnectForm({ provider, onDone }: { provider: Schemas['ProviderView']; onDone: () => void }) {
  const [source, setSource] = useState<Source>('stored');
  const [credentials, setCredentials] = useState<Record<string, string>>({});
  const [settings, setSettings] = useState<Record<string, string>>({});
  const [isOpen, { toggle }] = useDisclosure(false);
  const put = $api.useMutation('put', '/api/v1/connections/{provider}');

  function submit(event: FormEvent) {
    event.preventDefault();
    put.mutate(
      {
        params: { path: { provider: provider.id } },
        body: {
          source,
          credentials: source === 'stored' ? filled(credentials) : {},
          settings: filled(settings),
        },
      },
      {
        onSuccess: (view) => {
          setCredentials({});
          const who = view.account ? ` as ${view.account.identity}` : '';
          notifications.show({ message: `${provider.title} is connected${who}.` });
          onDone();
          void queries.invalidateQueries();
        },
      },
    );
  }

  return (
    <form onSubmit={submit} autoComplete="off">
      <Stack gap="md">
        <Radio.Group label="Where the credentials are" value={source} onChange={(value) => setSource(value)}>
          <Stack gap={8} mt={6}>
            {provider.sources.map((each) => (
              <Radio
                key={each.name}
                value={each.name}
                label={each.title}
                description={each.text}
                disabled={!each.is_possible}
              />
            ))}
          </Stack>
        </Radio.Group>
        {source === 'stored' ? (
          <Fields
            fields={provider.credentials}
            values={credentials}
            onChange={(name, value) => setCredentials((before) => ({ ...before, [name]: value }))}
          />
        ) : null}
        <div>
          <Button
            variant="subtle"
            size="compact-sm"
            c="var(--tw-busy)"
            onClick={toggle}
            aria-expanded={isOpen}
          >
            {isOpen ? 'Fewer settings' : 'More settings'}
          </Button>
          <Collapse expanded={isOpen}>
            <Stack gap="sm" mt="sm">
              {provider.settings.map((field) => (
                <TextInput
                  key={field.name}
                  label={field.title}
                  description={field.is_list ? `${field.name}: with commas between` : field.name}
                  value={settings[field.name] ?? ''}
                  onChange={(event) => {
                    const { value } = event.currentTarget;
                    setSettings((before) => ({ ...before, [field.name]: value }));
                  }}
                />
              ))}
            </Stack>
          </Collapse>
        </div>
        <ProblemAlert error={put.error} />
        <Group justify="space-between" align="center">
          <Text size="xs" c="var(--tw-quiet)" style={{ flex: '1 1 14rem' }}>
            {provider.can_run
              ? 'The provider is asked whose credentials these are; that costs nothing. What it does not take is not kept.'
              : 'Used for prices: this version runs no jobs there.'}
          </Text>
          <Button type="submit" loading={put.isPending}>
            {provider.connection === null ? 'Connect' : 'Replace'}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function Fields({
  fields,
  values,
  onChange,
}: {
  fields: Schemas['CredentialFieldView'][];
  values: Record<string, string>;
  onChange: (name: string, value: string) => void;
}) {
  return fields.map((field) => {
    const Input = field.is_secret ? PasswordInput : TextInput;
    return (
      <Input
        key={field.name}
        label={field.title}
        description={[field.hint, field.environment].filter(Boolean).join(' · ')}
        required={field.is_required}
        value={values[field.name] ?? ''}
        autoComplete={field.is_secret ? 'new-password' : 'off'}
        spellCheck={false}
        onChange={(event) => onChange(field.name, event.currentTarget.value)}
      />
    );
  });
}

function filled(values: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value.trim() !== ''));
}
