import { CloseButton, Group, NavLink, Stack, Text } from '@mantine/core';
import { NavLink as RouterLink, useMatch, useResolvedPath } from 'react-router';
import { places, type Place } from '@/routes';
import { base } from '@/api/client';
import classes from './Navigation.module.css';

export function Navigation({ onClose }: { onClose: () => void }) {
  return (
    <div className={classes.inner}>
      <Group justify="space-between" px={12} h={52}>
        <Group gap={9}>
          <img src={`${base}/icon.svg`} width={24} height={24} alt="" />
          <Text fw={650} size="md">
            Tradewind
          </Text>
        </Group>
        <CloseButton hiddenFrom="sm" onClick={onClose} aria-label="Close navigation" />
      </Group>
      <Stack gap={14} px={8} pt={8}>
        {places.map((group) => (
          <Stack gap={2} key={group[0]?.path}>
            {group.map((place) => (
              <Entry key={place.path} place={place} />
            ))}
          </Stack>
        ))}
      </Stack>
    </div>
  );
}

function Entry({ place }: { place: Place }) {
  const path = useResolvedPath(place.path);
  const isHere = useMatch({ path: path.pathname, end: place.path === '/' }) !== null;
  return (
    <NavLink
      component={RouterLink}
      to={place.path}
      label={place.label}
      active={isHere}
      aria-current={isHere ? 'page' : undefined}
      leftSection={<place.icon size={18} stroke={1.7} aria-hidden />}
      className={classes.entry}
    />
  );
}
