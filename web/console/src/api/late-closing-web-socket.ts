/**
 * A WebSocket that closes only when it is connected. Browsers log an error for a WebSocket that is closed
 * while it connects, for example because the user signs out at this moment.
 */
export class LateClosingWebSocket extends WebSocket {
  override close(code?: number, reason?: string): void {
    if (this.readyState !== WebSocket.CONNECTING) {
      super.close(code, reason);
      return;
    }
    const closeNow = () => {
      super.close(code, reason);
    };
    this.addEventListener("open", closeNow, { once: true });
  }
}
