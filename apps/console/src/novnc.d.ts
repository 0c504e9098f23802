/** The part of noVNC's API (docs/API.md of its package) that the console uses. */
declare module '@novnc/novnc' {
  export default class RFB extends EventTarget {
    constructor(target: Element, channel: WebSocket, options?: { readonly shared?: boolean });
    scaleViewport: boolean;
    showDotCursor: boolean;
    background: string;
    disconnect(): void;
    focus(): void;
    blur(): void;
    sendCtrlAltDel(): void;
  }
}
