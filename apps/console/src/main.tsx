import '@patternfly/react-core/dist/styles/base.css';
import './style.css';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { z } from 'zod';
import { askOtherTabs, takeTokenFromAddress } from './api/session';
import { App } from './app';
import { applyTheme } from './frame/theme';
import { ToastProvider } from './ui/toasts';

// zod would compile its checks with `new Function`, which the page's content security policy forbids.
z.config({ jitless: true });
applyTheme();
takeTokenFromAddress();

const cache = new QueryClient({ defaultOptions: { queries: { retry: 1, structuralSharing: false } } });

void askOtherTabs().then(() =>
  createRoot(document.getElementById('root')!).render(
    <StrictMode>
      <QueryClientProvider client={cache}>
        <ToastProvider>
          <App cache={cache} />
        </ToastProvider>
      </QueryClientProvider>
    </StrictMode>,
  ),
);
