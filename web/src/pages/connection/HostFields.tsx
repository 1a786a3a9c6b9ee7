import { Checkbox, Group, NumberInput, Stack, TextInput } from '@mantine/core';
import { More } from '@/components/More';
import type { HostDraft } from './host';

interface Props {
  draft: HostDraft;
  put: (changes: Partial<HostDraft>) => void;
}

/** Everything that is asked about a machine before anybody looks for it. */
export function HostFields({ draft, put }: Props) {
  return (
    <>
      <TextInput
        label="Name"
        description="What it is called here"
        required
        data-autofocus
        value={draft.name}
        onChange={(event) => put({ name: event.currentTarget.value })}
      />
      <Place
        user={draft.user}
        address={draft.address}
        port={draft.port}
        put={({ user, address, port }) => put({ user, address, port })}
      />
      <TextInput
        label="Key file"
        description="On the server’s machine, without a passphrase. Empty: the installation’s own key."
        value={draft.keyFile}
        onChange={(event) => put({ keyFile: event.currentTarget.value })}
      />
      <Checkbox
        label="Ask the server’s SSH agent"
        checked={draft.usesAgent}
        onChange={(event) => put({ usesAgent: event.currentTarget.checked })}
      />
      <Checkbox
        label="Go through another machine"
        description="For a machine that this server cannot reach by itself. The same key lets it into both."
        checked={draft.hasJump}
        onChange={(event) => put({ hasJump: event.currentTarget.checked })}
      />
      {draft.hasJump ? (
        <Place
          of="in between"
          user={draft.jumpUser}
          address={draft.jumpAddress}
          port={draft.jumpPort}
          put={({ user, address, port }) => put({ jumpUser: user, jumpAddress: address, jumpPort: port })}
        />
      ) : null}
      <TextInput
        label="Price of an hour"
        description="Dollars for the whole machine. Empty: its electricity is charged."
        inputMode="decimal"
        leftSection="$"
        value={draft.price}
        onChange={(event) => put({ price: event.currentTarget.value })}
      />
      <More label="Networks, region, and others who use it">
        <Stack gap="sm">
          <Group grow align="flex-start">
            <TextInput
              label="Network"
              description="Machines on the same one run a job together"
              value={draft.network}
              onChange={(event) => put({ network: event.currentTarget.value })}
            />
            <TextInput
              label="Private address"
              description="Under which the others reach it, if another"
              value={draft.privateAddress}
              onChange={(event) => put({ privateAddress: event.currentTarget.value })}
            />
          </Group>
          <TextInput
            label="Region"
            description="Where it stands, in a word that job files may name"
            value={draft.region}
            onChange={(event) => put({ region: event.currentTarget.value })}
          />
          <Checkbox
            label="Hand out GPUs that somebody else uses"
            checked={draft.ignoresOthers}
            onChange={(event) => put({ ignoresOthers: event.currentTarget.checked })}
          />
        </Stack>
      </More>
    </>
  );
}

interface Login {
  user: string;
  address: string;
  port: number;
}

function Place({
  of,
  put,
  ...login
}: Login & {
  of?: string;
  put: (login: Login) => void;
}) {
  const named = (word: string) => (of ? `${word} ${of}` : word);
  return (
    <Group grow align="flex-start">
      <TextInput
        label={named('User')}
        required
        value={login.user}
        onChange={(event) => put({ ...login, user: event.currentTarget.value })}
      />
      <TextInput
        label={named('Address')}
        required
        value={login.address}
        onChange={(event) => put({ ...login, address: event.currentTarget.value })}
      />
      <NumberInput
        label={named('Port')}
        min={1}
        max={65_535}
        value={login.port}
        onChange={(value) => put({ ...login, port: Number(value) || 22 })}
      />
    </Group>
  );
}
