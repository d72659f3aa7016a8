//! The stand-in for Redis answers as Redis does.

use std::env;

use breaker_shop::world::Redis;
use redis::{AsyncCommands, ErrorKind, RedisResult, ServerErrorKind};

async fn answers(redis: &Redis) -> Vec<RedisResult<redis::Value>> {
    let client = redis::Client::open(redis.url()).unwrap();
    let mut redis = client.get_multiplexed_async_connection().await.unwrap();
    vec![
        redis.get("price").await,
        redis.set("price", 99).await,
        redis.get("price").await,
        redis.incr("stock", 3).await,
        redis.incr("stock", -4).await,
        redis.set("stock", "plenty").await,
        redis.incr("stock", 1).await,
    ]
}

#[tokio::test]
async fn the_stand_in_answers_as_redis_does() {
    let (stand_in, _) = Redis::stand_in().await.unwrap();
    let redis = Redis::start().await.unwrap();
    if !redis.is_real() {
        let required = env::var_os("BREAKER_REQUIRE_REDIS").is_some_and(|value| value == "1");
        assert!(!required, "neither redis-server nor valkey-server is installed");
        return;
    }
    let answers = (answers(&stand_in).await, answers(&redis).await);
    assert_eq!(answers.0, answers.1);
    let error = answers.0.last().unwrap().as_ref().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Server(ServerErrorKind::ResponseError));
}
