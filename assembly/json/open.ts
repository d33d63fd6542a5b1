// Begins a document: nothing is left of the one before.

import { openMemos } from './memo';
import { freeAll } from './memory';
import { openRows } from './row';
import { wantTaskKeys } from './task';
import { forgetTokens } from './token';
import { openValues } from './value';
import { openWindow } from './window';

let isReady = false;

/** @param windowSize octets that the window has room for at first */
export function openDocument(windowSize: usize): void {
  if (!isReady) wantTaskKeys();
  isReady = true;
  freeAll();
  forgetTokens();
  openMemos();
  openRows();
  openValues();
  openWindow(windowSize);
}
