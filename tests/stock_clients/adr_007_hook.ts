// The hook of ADR-007, to the letter. It connects anew whenever it is given another array of topics.
function useWebSocket(topics: string[]) {
  const [isConnected, setIsConnected] = useState(false);
  const [lastSeq, setLastSeq] = useState<Record<string, number>>({});

  useEffect(() => {
    const topicsParam = topics.join(',');
    const seqParam = Object.entries(lastSeq)
      .map(([t, s]) => `${t}:${s}`)
      .join(',');

    const ws = new WebSocket(
      `/ws?topics=${topicsParam}&lastSeq=${seqParam}`
    );

    ws.onmessage = (event) => {
      const data = JSON.parse(event.data);

      if (data.type === 'ping') {
        ws.send(JSON.stringify({ action: 'pong' }));
        return;
      }

      if (data._seq && data.topic) {
        setLastSeq(prev => ({ ...prev, [data.topic]: data._seq }));
      }

      // Handle event...
    };

    return () => ws.close();
  }, [topics]);

  return { isConnected };
}
