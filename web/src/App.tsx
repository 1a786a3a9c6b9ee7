import { MantineProvider } from '@mantine/core';
import { Notifications } from '@mantine/notifications';
import { QueryClientProvider } from '@tanstack/react-query';
import { createBrowserRouter, RouterProvider } from 'react-router';
import { base, queries } from './api/client';
import { StreamProvider } from './api/stream';
import { Broken } from './shell/Broken';
import { Shell } from './shell/Shell';
import { pages } from './routes';
import { schemes, theme } from './theme';

const router = createBrowserRouter(
  [
    {
      path: '/',
      element: <Shell />,
      errorElement: <Broken />,
      hydrateFallbackElement: <></>,
      children: pages,
    },
  ],
  { basename: base || '/' },
);

export function App() {
  return (
    <MantineProvider theme={theme} colorSchemeManager={schemes} defaultColorScheme="auto">
      <QueryClientProvider client={queries}>
        <StreamProvider>
          <Notifications position="bottom-left" />
          <RouterProvider router={router} />
        </StreamProvider>
      </QueryClientProvider>
    </MantineProvider>
  );
}
