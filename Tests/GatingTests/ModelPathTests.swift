import Gating
import Testing

@Suite struct ModelPathTests {
  @Test(arguments: [
    ("models/nginx/v0007", "nginx", "v0007"), ("models/nginx/v0007/", "nginx", "v0007"),
    ("/srv/models/nginx/v12345", "nginx", "v12345"), ("./models/./redis/v0001/.", "redis", "v0001"),
    ("models/redis/../nginx/v0001", "nginx", "v0001"), ("networks/small", "small", "file"),
    ("models/nginx/v007", "v007", "file"), ("models/nginx/v0007b", "v0007b", "file"), ("/", "model", "file"),
    ("/v0001", "v0001", "file"),
  ])
  func namesApplicationAndVersion(path: String, application: String, version: String) {
    let names = ModelPath.names(ofVersion: path)
    #expect(names.application == application)
    #expect(names.version == version)
  }
}
