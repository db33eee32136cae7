package systemd

// Message IDs (128 bits, sd-id128(3)) of the events an operator acts on: the
// value of the log key "message_id". agent.catalog explains each of them, which
// `journalctl -x` shows. An ID is never reused for another meaning.
const (
	// MessageStarted: the pipelines are built, the agent is ready.
	MessageStarted = "456bb7ba1b614ef19ffbbd8a517fdb50"
	// MessageStopped: the agent stopped; the account of a camera has it, too.
	MessageStopped = "601668a5f2b746c1bf043948b5ff412f"
	// MessageFailed: the agent could not be built, or had to end.
	MessageFailed = "9271459c26e945d1ab3bb6e3881df1ba"
	// MessageEnded: a process of the service ended, and how; it is told by another.
	MessageEnded = "66c4f43ad92b404ea8182125e2fee16e"
	// MessageCameraPublishing: a camera's first frame was published.
	MessageCameraPublishing = "41a54ccb25ff4628bc94e0c9790c039a"
	// MessageCameraLost: a camera is absent, busy, unplugged or stalled.
	MessageCameraLost = "3171babe86594914be5235d4d74ee41c"
	// MessageCameraRecovered: a lost camera publishes again.
	MessageCameraRecovered = "49a44ade97cb42a1930dc11c712a769a"
	// MessageRecoveryStep: a remedy was of no use, the next one is tried.
	MessageRecoveryStep = "c3e61a399726483390fd5a2170348b62"
	// MessageRecoverySettled: a camera has published for long enough that what
	// was tried on it is forgotten.
	MessageRecoverySettled = "3d7c7a2fc1f7427887e75dd5a4aed561"
	// MessageUSBReset: the USB port of a camera was reset, or could not be.
	MessageUSBReset = "4747969f16b847b4b7877bce6848835e"
	// MessageDriverHangs: a call into a driver was left behind.
	MessageDriverHangs = "b9210172c2b6496996dc109952200da7"
	// MessageModeLowered: a camera cannot hold its mode and gets a fallback.
	MessageModeLowered = "50b85484beda46f095811bd79959319a"
	// MessageModeRaised: it is tried in a better mode again.
	MessageModeRaised = "80944ce9ef6144c9a664a9190bda3c0b"
	// MessageConfigFault: the config was refused (error), or is unwise (warning).
	MessageConfigFault = "13251999362e46df9dc71d4eb382758f"
	// MessageReloaded: a new config was taken, or a part of it.
	MessageReloaded = "915fc0bafc1447f1b2b355ba7dd4b95d"
	// MessageReloadRefused: a new config has a fault, and the old one stays in force.
	MessageReloadRefused = "207e383c26f645f8b211f722901104d5"
	// MessageLastGood: the config was refused, and one that worked before is in force.
	MessageLastGood = "8aedf63c57fa4648ade6245b36e4b84a"
	// MessageConfigNotKept: the config in force could not be kept for such a start.
	MessageConfigNotKept = "278b25b2666143f294886c2728efa432"
	// MessageWatchdogWithheld: a stage fell silent; systemd is about to act.
	MessageWatchdogWithheld = "4723f7badfa04c25bfcf8416725e3ad1"
	// MessageStageRestarted: a stage of one camera failed and was started again.
	MessageStageRestarted = "ad28e61d60834e9998e10e289526a533"
	// MessageFramesDropped: the first frame lost under a name, then their number
	// once a period.
	MessageFramesDropped = "0eaa0bcd430044f79b2b89e986124991"
	// MessagePictureBad: a camera's pictures are lastingly frozen, black,
	// blown-out, blurred or stale.
	MessagePictureBad = "aa09334cb87e414e9f6680f4cd0386bf"
	// MessagePictureGood: they are so no longer.
	MessagePictureGood = "fb25ecc6e2764ae98850d87c10e5bfe7"
	// MessageSelfTestFailed: the preprocessor gave a wrong answer on a known frame.
	MessageSelfTestFailed = "982298708cc842cfa627643bc9f26dec"
	// MessageSelfTestPassed: its answers are right again.
	MessageSelfTestPassed = "6ebd1f2a706d47a182fdd445837d2568"
	// MessageFrameQuarantined: a frame that went wrong was kept as evidence.
	MessageFrameQuarantined = "2ea8c1e530204d0e94368be5b36e78fa"
	// MessageQuarantineFailing: frames that go wrong cannot be kept.
	MessageQuarantineFailing = "6e800d561c114ab79fd1f3f1ce76c7ac"
	// MessageRateLowered: fewer of a camera's frames are taken than it has.
	MessageRateLowered = "39c77d4a58df425c948be2e5c986d402"
	// MessageRateRaised: more of them are taken again.
	MessageRateRaised = "826651e4507c4178af1d9edbe8a04999"
	// MessageDegraded: memory or coolness is short, and something was given up.
	MessageDegraded = "2fee1ab49a474b178a5da0581937da92"
	// MessageRelieved: what was short is so no longer.
	MessageRelieved = "175c7e92aecc419d8674074f307abbdd"
	// MessageLimitNear: descriptors or threads run short.
	MessageLimitNear = "414582a3a32a4b37bb4ae1a79ed41628"
	// MessageLimitReached: a limit is exceeded, for which the agent starts anew.
	MessageLimitReached = "cecaac03980b459fbc28157137ba8c3a"
	// MessageLeak: something has grown for an hour or for days, and will be too much.
	MessageLeak = "e9ee4b576cdf4c39a8f588e62cf73789"
	// MessageLeakOver: it grows no longer.
	MessageLeakOver = "c7744244d4aa442183a123c73c8dff07"
	// MessageBlind: what is in use cannot be measured, or can be again.
	MessageBlind = "f44051c9aa1b49e387c59ca87065c04a"
	// MessageLatencyDrift: a camera's frames take longer than they used to.
	MessageLatencyDrift = "757af2ab43d641c78471be8fa778c69a"
	// MessageLatencyUsual: they do so no longer.
	MessageLatencyUsual = "2c639b9b0844482c98e94b163752992b"
	// MessageDiscoveryFailing: devices cannot be listed, watched or taken.
	MessageDiscoveryFailing = "47434c125c844e4fa1fb89a0761eb51c"
	// MessageFilesFailing: nothing comes of the images of an output: its disk is full,
	// its command ended.
	MessageFilesFailing = "e43e92f5732e4d67ba913f5a2b469a4f"
	// MessageFilesWritten: they do again.
	MessageFilesWritten = "bb15e4b7e709479ead918b188a752eb9"
	// MessageWebListening: HTTP is answered at an address.
	MessageWebListening = "b3f951926bd64d0fa55de6450617d1f7"
	// MessageWebFailing: HTTP cannot be answered, and is tried again.
	MessageWebFailing = "337987865cb74ddd965a05e946230b5b"
	// MessageControlFailing: commands cannot be answered, and that is tried again.
	MessageControlFailing = "501a0f6b495147c984b583b4a1c68038"
	// MessageManagerDeaf: systemd could not be told something.
	MessageManagerDeaf = "b43ac93a7c9e4ddaafee8160f9e50cfd"
	// MessageLogLevel: more or less is logged from now on, or again.
	MessageLogLevel = "8f6cff93bcd6446b94fd7b3355423eda"
	// MessageLogStorm: entries that repeat others were counted and not logged.
	MessageLogStorm = "ffc7f0d9b0ee4752ba4991d5c4b3f453"
	// MessageLogLost: journald did not read in time and log entries were lost.
	MessageLogLost = "6f426dd756f54a53b78896534dc57e65"
)
