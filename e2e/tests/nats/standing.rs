//! A client that stands still is cut off, so that a stopped ledger does not go on being asked.

use std::time::Duration;

use service::nats::NatsConfig;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::time::Instant;
use xtask::machine::http;

use super::world::{World, becomes};

const NAME: &str = "stands-still";

/// A wire to the server that can be frozen: both ends stay open and nothing passes.
struct Wire {
    address: String,
    freeze: oneshot::Sender<()>,
}

impl Wire {
    async fn to(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (freeze, frozen) = oneshot::channel();
        tokio::spawn(async move {
            let (mut client, _) = listener.accept().await.unwrap();
            let mut server = TcpStream::connect(server).await.unwrap();
            tokio::select! {
                _ = copy_bidirectional(&mut client, &mut server) => {}
                _ = frozen => std::future::pending().await,
            }
        });
        Self { address, freeze }
    }
}

/// Connections of that name: the open ones, or the closed ones with their reasons.
async fn connections(world: &World, state: &str) -> Vec<String> {
    let (port, path) = (world.nats.monitor_port(), format!("/connz?state={state}"));
    let get = move || http::get(port, &path, Duration::from_secs(5)).and_then(|answer| answer.json());
    let connz = tokio::task::spawn_blocking(get).await.unwrap().unwrap();
    let named = connz["connections"].as_array().into_iter().flatten().filter(|c| c["name"] == NAME);
    named.map(|c| c["reason"].as_str().unwrap_or("open").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_stands_still_is_cut_off() {
    let world = World::apart().await;
    let wire = Wire::to(world.nats.url().trim_start_matches("nats://").to_owned()).await;
    let config =
        NatsConfig { url: format!("nats://{}", wire.address), seed_file: world.nats.seed_file("ledger") };
    let client = service::nats::connect(&config, NAME).await.unwrap();
    let _commands = client.subscribe("cmd.ledger.>").await.unwrap();
    client.flush().await.unwrap();
    assert_eq!(connections(&world, "open").await, ["open"]);

    let since = Instant::now();
    wire.freeze.send(()).unwrap();
    assert!(becomes(async || connections(&world, "open").await.is_empty()).await, "it is still connected");
    // ping_interval 2 s, ping_max 2: two pings stay unanswered, the third is not sent any more.
    println!("cut off after {:.2} s", since.elapsed().as_secs_f64());
    assert_eq!(connections(&world, "closed").await, ["Stale Connection"]);
}
